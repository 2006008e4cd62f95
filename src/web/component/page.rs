//! The bar on top, and the place below it.

use std::rc::Rc;

use web_sys::File;
use yew::prelude::*;

use super::examples::Examples;
use super::icon::icon;
use super::inspect::Inspect;
use super::inspect::compare::Compare;
use super::palette::Palette;
use super::print::print_sheet;
use super::privacy::PrivacyDialog;
use super::share::ShareDialog;
use super::shortcuts::ShortcutsDialog;
use super::simulate::Simulate;
use crate::app::commands::keys::Keys;
use crate::app::commands::{CommandMessage, Dialog};
use crate::app::offline::{Kept, OfflineMessage};
use crate::app::share::{LeaveOut, ShareMessage};
use crate::app::state::{Place, State, Theme};
use crate::app::update::Message;
use crate::app::view::SimulateView;
use crate::web::folder::Chosen;
use crate::web::root::EditorMode;

#[derive(Properties, PartialEq)]
pub(in crate::web) struct PageProps {
    pub(in crate::web) state: Rc<State>,
    pub(in crate::web) view: Rc<SimulateView>,
    pub(in crate::web) editor_mode: EditorMode,
    pub(in crate::web) on_message: Callback<Message>,
    pub(in crate::web) on_file: Callback<File>,
    /// Hears that the sample image is wanted, once it is there.
    pub(in crate::web) on_sample: Option<Callback<()>>,
    pub(in crate::web) on_context: Callback<Chosen>,
    pub(in crate::web) on_editor_host: Callback<web_sys::HtmlElement>,
}

/// The whole page.
#[component(Page)]
pub(in crate::web) fn page(props: &PageProps) -> Html {
    let session = &props.state.session;
    let place_link = |place: Place, name: &'static str| {
        let is_here = session.place == place;
        html! {
            <a class="place" href={format!("#{}", place.fragment())} aria-current={is_here.then_some("page")}>{ name }</a>
        }
    };
    let next_theme = match session.theme {
        Theme::System => Theme::Light,
        Theme::Light => Theme::Dark,
        Theme::Dark => Theme::System,
    };
    let (theme_icon, theme_name) = match session.theme {
        Theme::System => ("monitor", "Theme: as the system"),
        Theme::Light => ("sun", "Theme: light"),
        Theme::Dark => ("moon", "Theme: dark"),
    };
    let send = |message: Message| {
        let on_message = props.on_message.clone();
        Callback::from(move |_: MouseEvent| on_message.emit(message.clone()))
    };
    let opens = |dialog: Dialog| send(Message::Command(CommandMessage::DialogOpened(dialog)));
    let closes = |dialog: Dialog| {
        props.on_message.reform(move |_: Event| Message::Command(CommandMessage::DialogClosed(dialog)))
    };
    let (confirm, ask) = (use_node_ref(), use_node_ref());
    {
        // The button that was pressed goes away; the focus moves to the one in its place.
        let (confirm, ask, was_resetting) = (confirm.clone(), ask.clone(), use_mut_ref(|| false));
        use_effect_with(props.state.is_resetting, move |is_resetting| {
            let before = was_resetting.replace(*is_resetting);
            let target = if *is_resetting { &confirm } else { &ask };
            if before != *is_resetting
                && let Some(button) = target.cast::<web_sys::HtmlElement>()
            {
                let _ = button.focus();
            }
        });
    }
    html! {
        <div class="page">
            <header class="bar">
                <h1 class="brand">{ icon("layers") }{ "Layerlab" }</h1>
                <nav class="places" aria-label="Places">
                    { place_link(Place::Simulate, "Simulate") }
                    { place_link(Place::Inspect, "Inspect") }
                    { place_link(Place::Compare, "Compare") }
                </nav>
                <div class="tools">
                    <button class="button quiet" aria-haspopup="dialog" title="Find a command, instruction, file or example" onclick={opens(Dialog::Palette)}>
                        { icon("search") }<span class="bar-name find-name">{ "Find" }</span><kbd aria-hidden="true" class="roomy-key">{ Keys("Mod+K").label(props.state.is_mac) }</kbd>
                    </button>
                    <Examples on_message={props.on_message.clone()} />
                    if props.state.is_resetting {
                        <span class="confirm" role="alert">
                            <span class="confirm-question">{ "Forget all edits and builds?" }</span>
                            <button class="button danger" ref={confirm} onclick={send(Message::ResetConfirmed)}>{ "Start over" }</button>
                            <button class="button" onclick={send(Message::ResetDeclined)}>{ "Keep" }</button>
                        </span>
                    } else {
                        <button class="button quiet" ref={ask} onclick={send(Message::ResetAsked)}>
                            { icon("eraser") }<span class="bar-name">{ "Start over" }</span>
                        </button>
                    }
                    <button class="button quiet" aria-haspopup="dialog" onclick={send(Message::Share(ShareMessage::Changed(Some(LeaveOut::default()))))}>
                        { icon("share-2") }<span class="bar-name">{ "Share" }</span>
                    </button>
                    <button class="button quiet square" onclick={send(Message::ThemeChosen(next_theme))} aria-label={theme_name} title={theme_name}>
                        { icon(theme_icon) }
                    </button>
                    <button class="button quiet square" aria-haspopup="dialog" onclick={opens(Dialog::Shortcuts)} aria-label="Keyboard shortcuts" title="Keyboard shortcuts">
                        { icon("keyboard") }
                    </button>
                </div>
            </header>
            if let Some(problem) = &props.state.storage_problem {
                <p class="notice" role="alert">{ icon("circle-alert") }{ problem.clone() }</p>
            }
            if props.state.offline.asks() {
                <p class="notice calm told" role="status">
                    { icon("rotate-cw") }
                    <span>
                        { "A new version is ready. Your edits and builds stay." }
                        if props.state.archives.image().is_some() { { " Open the image again after it." } }
                    </span>
                    <button class="link" onclick={send(Message::Offline(OfflineMessage::UpdateWanted))}>{ "Reload" }</button>
                    <button class="link" onclick={send(Message::Offline(OfflineMessage::UpdatePutOff))}>{ "Later" }</button>
                </p>
            }
            if let Some(problem) = &props.state.link_problem {
                <p class="notice told" role="alert">
                    { icon("circle-alert") }<span>{ format!("The link was not opened, and nothing was changed: {problem}.") }</span>
                    <button class="link" onclick={send(Message::Share(ShareMessage::LinkProblemClosed))}>{ "Close" }</button>
                </p>
            }
            if session.own.is_some() {
                <p class="notice calm told" role="status">
                    { icon("link") }<span>{ "What you see came with a link. Your own work is kept." }</span>
                    <button class="link" onclick={send(Message::Share(ShareMessage::OwnWorkWanted))}>{ "Back to my work" }</button>
                    <button class="link" onclick={send(Message::Share(ShareMessage::OwnWorkDiscarded))}>{ "Discard my work and keep this" }</button>
                </p>
            }
            {
                match session.place {
                    Place::Simulate => html! {
                        <Simulate
                            state={Rc::clone(&props.state)}
                            view={Rc::clone(&props.view)}
                            editor_mode={props.editor_mode}
                            on_message={props.on_message.clone()}
                            on_context={props.on_context.clone()}
                            on_editor_host={props.on_editor_host.clone()}
                        />
                    },
                    Place::Compare => html! {
                        <Compare state={Rc::clone(&props.state)} view={Rc::clone(&props.view)} on_message={props.on_message.clone()} on_file={props.on_file.clone()} on_sample={props.on_sample.clone()} />
                    },
                    Place::Inspect => html! {
                        <Inspect state={Rc::clone(&props.state)} view={Rc::clone(&props.view)} on_message={props.on_message.clone()} on_file={props.on_file.clone()} on_sample={props.on_sample.clone()} />
                    },
                }
            }
            <footer class="promise">
                { icon("shield-check") }
                <span>{ "Nothing leaves your browser." }</span>
                <button class="link" aria-haspopup="dialog" onclick={opens(Dialog::Privacy)}>{ "How to check it" }</button>
                if props.state.offline.kept == Kept::Yes { <span class="works-offline">{ "Works offline" }</span> }
            </footer>
            {
                match props.state.dialog {
                    None => Html::default(),
                    Some(Dialog::Privacy) => html! { <PrivacyDialog offline={props.state.offline} on_closed={closes(Dialog::Privacy)} /> },
                    Some(Dialog::Shortcuts) => html! {
                        <ShortcutsDialog
                            has_single_keys={props.state.has_single_keys}
                            is_mac={props.state.is_mac}
                            on_message={props.on_message.clone()}
                            on_closed={closes(Dialog::Shortcuts)}
                        />
                    },
                    Some(Dialog::Palette) => html! {
                        <Palette
                            state={Rc::clone(&props.state)}
                            view={Rc::clone(&props.view)}
                            on_message={props.on_message.clone()}
                            on_closed={closes(Dialog::Palette)}
                        />
                    },
                }
            }
            if let (Some(leave_out), Some(share)) = (props.state.share, &props.view.share) {
                <ShareDialog share={share.clone()} {leave_out} on_message={props.on_message.clone()} />
            }
            if props.state.is_printing {
                { print_sheet(&props.state, &props.view) }
            }
        </div>
    }
}
