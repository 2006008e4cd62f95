//! What the page does with what it is given, and how to check it.

use yew::prelude::*;

use super::icon::icon;
use super::modal::Modal;
use crate::app::offline::{Kept, Offline};

#[derive(Properties, PartialEq)]
pub(super) struct PrivacyProps {
    pub(super) offline: Offline,
    pub(super) on_closed: Callback<Event>,
}

/// The rule that the browser enforces, one directive an item.
fn policy() -> Vec<String> {
    let document = web_sys::window().and_then(|window| window.document());
    let found = document.and_then(|document| {
        document.query_selector("meta[http-equiv=\"Content-Security-Policy\"]").ok().flatten()
    });
    let content = found.and_then(|meta| meta.get_attribute("content")).unwrap_or_default();
    content.split(';').map(|directive| directive.trim().to_owned()).collect()
}

/// The dialog.
#[component(PrivacyDialog)]
pub(super) fn privacy_dialog(props: &PrivacyProps) -> Html {
    html! {
        <Modal title="Nothing leaves your browser" on_closed={props.on_closed.clone()}>
            <div class="prose">
                <p>{ "Dockerfiles, folders and images are read here and sent nowhere. No server is behind this page, and nobody counts what you do." }</p>
                <p>{ "This browser keeps your edits and builds until you press Start over. It does not keep the bytes of files that you open." }</p>
                <p class="note">
                    { icon(if props.offline.kept == Kept::Yes { "check" } else { "info" }) }
                    { props.offline.sentence() }
                </p>
                <h3>{ "Three ways to check" }</h3>
                <ol class="ways">
                    <li>
                        <strong>{ "Watch the network." }</strong>
                        { " Open the developer tools, choose Network, and work on. No request to a host appears. Addresses that begin with blob: stay within the browser." }
                    </li>
                    <li>
                        <strong>{ "Read the rule." }</strong>
                        { " The source of this page begins with a Content-Security-Policy, which your browser enforces. connect-src names all that the page may talk to: the host that it came from." }
                        <details>
                            <summary>{ "The rule of this page" }</summary>
                            <ul class="policy" aria-label="Content-Security-Policy">{ for policy().into_iter().map(|directive| html! { <li><code>{ directive }</code></li> }) }</ul>
                        </details>
                    </li>
                    <li>
                        <strong>{ "Switch on airplane mode." }</strong>
                        { " Everything goes on working" }
                        if props.offline.kept == Kept::Yes { { ", also after a reload" } }
                        { "." }
                    </li>
                </ol>
                <p class="note">{ icon("info") }{ "The host sees that the page is loaded, as with any page. A link that you share holds your texts: whoever gets it can read them." }</p>
            </div>
        </Modal>
    }
}
