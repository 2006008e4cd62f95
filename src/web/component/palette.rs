//! The palette: everything by its name, found by a few characters.
//!
//! A combobox with a list (<https://www.w3.org/WAI/ARIA/apg/patterns/combobox/>): the focus stays in
//! the field, and the field names the option that Enter takes.

use std::rc::Rc;

use web_sys::{HtmlInputElement, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

use super::icon::icon;
use super::modal::{close, use_modal};
use crate::app::commands::entries::entries;
use crate::app::commands::find::{Hit, find};
use crate::app::commands::table::Shown;
use crate::app::state::State;
use crate::app::update::Message;
use crate::app::view::SimulateView;

#[derive(Properties, PartialEq)]
pub(super) struct PaletteProps {
    pub(super) state: Rc<State>,
    pub(super) view: Rc<SimulateView>,
    pub(super) on_message: Callback<Message>,
    pub(super) on_closed: Callback<Event>,
}

/// So many options further by Page Up and Page Down.
const PAGE: usize = 8;

/// The dialog.
#[component(Palette)]
pub(super) fn palette(props: &PaletteProps) -> Html {
    let dialog = use_modal();
    let query = use_state(String::new);
    let active = use_state(|| 0_usize);
    // What can be found when it is opened: nothing changes below a dialog.
    let all = use_memo((), |()| entries(Shown { state: &props.state, view: &props.view }));
    let found = use_memo((*query).clone(), |query| find(&all, query));
    let n_shown = found.hits.len();
    let take = {
        let (all, found) = (Rc::clone(&all), Rc::clone(&found));
        let (dialog, on_message) = (dialog.clone(), props.on_message.clone());
        Callback::from(move |at: usize| {
            if let Some(entry) = found.hits.get(at).and_then(|hit| all.get(hit.idx)) {
                // First, so that what is chosen can move the focus on.
                close(&dialog);
                on_message.emit(entry.message.clone());
            }
        })
    };
    let oninput = {
        let (query, active) = (query.clone(), active.clone());
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                query.set(input.value());
                active.set(0);
            }
        })
    };
    let onkeydown = {
        let (active, take) = (active.clone(), take.clone());
        Callback::from(move |event: KeyboardEvent| {
            // Enter that ends the composing of a character is not meant for the list.
            if event.is_composing() {
                return;
            }
            let last = n_shown.saturating_sub(1);
            let next = match event.key().as_str() {
                "ArrowDown" if *active >= last => 0,
                "ArrowDown" => *active + 1,
                "ArrowUp" => active.checked_sub(1).unwrap_or(last),
                "PageDown" => (*active + PAGE).min(last),
                "PageUp" => active.saturating_sub(PAGE),
                "Enter" => {
                    event.prevent_default();
                    return take.emit(*active);
                }
                _ => return,
            };
            event.prevent_default();
            active.set(next);
        })
    };
    let list = use_node_ref();
    {
        let list = list.clone();
        use_effect_with((*active, (*query).clone()), move |(active, _)| {
            let list = list.cast::<web_sys::Element>();
            let option = list.and_then(|list| list.children().item(u32::try_from(*active).ok()?));
            if let Some(option) = option {
                let nearest = ScrollIntoViewOptions::new();
                nearest.set_block(ScrollLogicalPosition::Nearest);
                option.scroll_into_view_with_scroll_into_view_options(&nearest);
            }
        });
    }
    let option = |(at, hit): (usize, &Hit)| {
        let entry = all.get(hit.idx)?;
        let onclick = take.reform(move |_: MouseEvent| at);
        Some(html! {
            <li role="option" id={format!("palette-{at}")} class="palette-option" aria-selected={(*active == at).to_string()} {onclick}>
                <span class="palette-name">
                    { for hit.pieces.iter().map(|(text, is_hit)| if *is_hit { html! { <mark>{ text.clone() }</mark> } } else { html! { { text.clone() } } }) }
                </span>
                if let Some(keys) = entry.keys { <kbd>{ keys.label(props.state.is_mac) }</kbd> }
                <span class="palette-kind">{ entry.kind }</span>
            </li>
        })
    };
    html! {
        <dialog class="share palette" ref={dialog} onclose={props.on_closed.clone()} aria-label="Find">
            <div class="palette-field">
                { icon("search") }
                <input
                    type="text"
                    role="combobox"
                    aria-label="Find a command, instruction, file or example"
                    aria-expanded={(n_shown > 0).to_string()}
                    aria-controls="palette-list"
                    aria-autocomplete="list"
                    aria-activedescendant={(n_shown > 0).then(|| format!("palette-{}", *active))}
                    placeholder="Find a command, instruction, file or example"
                    autocomplete="off"
                    spellcheck="false"
                    autofocus=true
                    value={(*query).clone()}
                    {oninput}
                    {onkeydown}
                />
            </div>
            <ul class="palette-list" id="palette-list" role="listbox" aria-label="Results" ref={list}>
                { for found.hits.iter().enumerate().filter_map(option) }
            </ul>
            <p class="palette-said" role="status">{ found.sentence() }</p>
        </dialog>
    }
}
