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

#[derive(Properties, PartialEq)]
pub(super) struct IconProps {
    pub(super) name: AttrValue,
}

/// An icon beside a text; the text is its name.
#[component(Icon)]
pub(super) fn icon(props: &IconProps) -> Html {
    html! {
        <svg class="icon" aria-hidden="true"><use href={format!("#icon-{}", props.name)} /></svg>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct BadgeProps {
    pub(super) mark: Mark,
    /// A number in front of the word.
    #[prop_or_default]
    pub(super) count: Option<usize>,
}

/// A state by color, icon, pattern and word.
#[component(Badge)]
pub(super) fn badge(props: &BadgeProps) -> Html {
    let word = match (props.count, props.mark) {
        (Some(n), Mark::Rebuild) if n != 1 => "rebuild".to_owned(),
        (Some(_), Mark::Metadata) => "metadata".to_owned(),
        (_, mark) => mark.label().to_owned(),
    };
    let text = props.count.map_or(word.clone(), |n| format!("{n} {word}"));
    html! {
        <span class={classes!("badge", props.mark.class())}>
            <Icon name={mark_icon(props.mark)} />
            { text }
        </span>
    }
}
