//! How an archive gets here.

use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use crate::text::visible;
use crate::web::component::icon::icon;

#[derive(Properties, PartialEq)]
pub(super) struct OpenerProps {
    pub(super) on_file: Callback<File>,
    pub(super) on_sample: Option<Callback<()>>,
    pub(super) is_small: bool,
    pub(super) last_name: Option<String>,
}

/// The button, and on an empty page what it is for.
#[component(Opener)]
pub(super) fn opener(props: &OpenerProps) -> Html {
    let onchange = {
        let on_file = props.on_file.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let files = input.files().map(crate::web::folder::list).unwrap_or_default();
            files.into_iter().for_each(|file| on_file.emit(file));
            // The same file may be chosen again.
            input.set_value("");
        })
    };
    html! {
        <section class={classes!("opener", props.is_small.then_some("small"))} aria-label="Open">
            <label class={classes!("button", "file-button", (!props.is_small).then_some("primary"))}>
                { icon("upload") }{ "Open image tarball" }
                <input type="file" multiple=true class="visually-hidden" {onchange} />
            </label>
            if props.is_small {
                <p>{ "or drop another one anywhere" }</p>
            } else {
                <h2>{ "See what is inside an image" }</h2>
                <p>{ "Drop a tarball anywhere on this page. It is read here, in your browser, and goes nowhere." }</p>
                if let Some(on_sample) = &props.on_sample {
                    <p class="sample">
                        <button class="button" onclick={on_sample.reform(|_: MouseEvent| ())}>{ icon("flask-conical") }{ "Look into the sample image" }</button>
                        <span>{ "a small shop with leftovers, a second copy of everything, and a secret that was deleted too late" }</span>
                    </p>
                }
                <pre class="commands"><code>{ "docker save node:alpine -o image.tar\ndocker buildx build --output type=oci,dest=image.tar ." }</code></pre>
                if let Some(name) = &props.last_name {
                    <p class="hint">{ format!("Last time it was {}. Browsers do not keep dropped files: drop it again to go on.", visible(name)) }</p>
                }
            }
        </section>
    }
}
