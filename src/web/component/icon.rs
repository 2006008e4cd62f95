//! Icons of the sprite, and the mark of a state.

use yew::prelude::*;

use crate::app::view::Mark;

/// The Lucide icon of a state.
pub(super) fn mark_icon(mark: Mark) -> &'static str {
    match mark {
        Mark::Cached => "check",
        Mark::Rebuild => "rotate-cw",
        Mark::Conditional => "waves",
        Mark::Pruned => "ban",
        Mark::Metadata => "tag",
        Mark::Unknown => "circle-question-mark",
        Mark::Error => "circle-alert",
        Mark::Blocked => "circle-pause",
    }
}

/// An icon beside a text; the text is its name.
///
/// A function and no component: it is drawn in a hundred places and has nothing to keep.
pub(super) fn icon(name: &'static str) -> Html {
    html! {
        <svg class="icon" aria-hidden="true"><use href={format!("#icon-{name}")} /></svg>
    }
}

/// A state by color, icon, pattern and word; with a number in front where it counts something.
pub(super) fn badge(mark: Mark, count: Option<usize>) -> Html {
    let word = match (count, mark) {
        (Some(n), Mark::Rebuild) if n != 1 => "rebuild",
        (Some(_), Mark::Metadata) => "metadata",
        (_, mark) => mark.label(),
    };
    html! {
        <span class={classes!("badge", mark.class())}>
            { icon(mark_icon(mark)) }
            if let Some(n) = count { { format!("{n} ") } }
            { word }
        </span>
    }
}
