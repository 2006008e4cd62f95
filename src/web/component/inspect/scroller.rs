//! Many rows of one height, of which only those in view are on the page.

use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// The height of a row and of a head above them, as in the style sheet.
pub(super) const ROW_PX: u32 = 28;

/// Rows above and below those in view.
const OVERSCAN: u32 = 12;

/// The space of the rows is no higher: browsers have a limit.
const MAX_SPACE_PX: u32 = 12_000_000;

/// Where the rows stand in the space that stands for all of them.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Geometry {
    n_rows: u32,
    view_px: u32,
}

impl Geometry {
    fn is_exact(self) -> bool {
        self.n_rows <= MAX_SPACE_PX / ROW_PX
    }

    fn space_px(self) -> u32 {
        self.n_rows.saturating_mul(ROW_PX).min(MAX_SPACE_PX)
    }

    /// Rows that are scrolled away at most.
    fn last_top(self) -> u32 {
        self.n_rows.saturating_sub(self.view_px / ROW_PX)
    }

    /// What cannot be scrolled to pixel by pixel is scrolled in proportion.
    fn row_at(self, top_px: u32) -> u32 {
        if self.is_exact() {
            return top_px / ROW_PX;
        }
        let span = u64::from(self.space_px().saturating_sub(self.view_px)).max(1);
        u32::try_from(u64::from(top_px) * u64::from(self.last_top()) / span).unwrap_or(u32::MAX)
    }

    /// The inverse.
    fn top_of(self, row: u32) -> u32 {
        if self.is_exact() {
            return row.saturating_mul(ROW_PX);
        }
        let span = u64::from(self.space_px().saturating_sub(self.view_px));
        let row = u64::from(row.min(self.last_top()));
        u32::try_from((row * span).div_ceil(u64::from(self.last_top()).max(1))).unwrap_or(u32::MAX)
    }
}

fn whole(px: i32) -> u32 {
    u32::try_from(px).unwrap_or(0)
}

/// What a component needs to draw them.
pub(super) struct Rows {
    /// For the element that scrolls.
    pub(super) outer: NodeRef,
    /// For the element in it that is as high as all rows.
    pub(super) space: NodeRef,
    /// For the element in that, which holds the rows that are drawn.
    pub(super) window: NodeRef,
    /// For the element that scrolls.
    pub(super) onscroll: Callback<Event>,
    /// The first and the last row in view.
    pub(super) seen: (u32, u32),
    /// The rows that are drawn.
    pub(super) drawn: std::ops::Range<u32>,
    /// How many are in view.
    pub(super) n_visible: u32,
    geometry: Geometry,
}

impl Rows {
    /// What brings a row into view.
    pub(super) fn reveal(&self) -> impl Fn(u32) + 'static {
        let (outer, geometry) = (self.outer.clone(), self.geometry);
        move |row| {
            let Some(outer) = outer.cast::<Element>() else { return };
            let top_px = whole(outer.scroll_top());
            let view_px = whole(outer.client_height()).saturating_sub(ROW_PX);
            let row_px = geometry.top_of(row);
            let wanted = if row_px < top_px {
                row_px
            } else if row_px + ROW_PX > top_px + view_px {
                (row_px + ROW_PX).saturating_sub(view_px)
            } else {
                return;
            };
            outer.set_scroll_top(i32::try_from(wanted).unwrap_or(i32::MAX));
        }
    }
}

/// Follows which of so many rows are in view.
#[hook]
pub(super) fn use_rows(n_rows: u32) -> Rows {
    let (outer, space, window) = (use_node_ref(), use_node_ref(), use_node_ref());
    // The first row in view, in steps, and the height of the view.
    let scrolled = use_state(|| (0_u32, 600_u32));
    let (view_first, view_px) = *scrolled;
    let geometry = Geometry { n_rows, view_px };
    let n_visible = view_px / ROW_PX + 1;
    let first_seen = view_first.min(geometry.last_top());
    // A step more, since the first one is told in steps.
    let last_seen = first_seen.saturating_add(n_visible + STEP).min(n_rows.saturating_sub(1));
    let first = first_seen.saturating_sub(OVERSCAN);
    let end = last_seen.saturating_add(OVERSCAN).min(n_rows);
    let measure = {
        let (outer, scrolled) = (outer.clone(), scrolled.clone());
        Callback::from(move |()| {
            let Some(outer) = outer.cast::<Element>() else { return };
            let view_px = whole(outer.client_height()).saturating_sub(ROW_PX);
            let row = Geometry { n_rows, view_px }.row_at(whole(outer.scroll_top())) / STEP * STEP;
            if *scrolled != (row, view_px) {
                scrolled.set((row, view_px));
            }
        })
    };
    {
        let measure = measure.clone();
        use_effect_with(n_rows, move |_| measure.emit(()));
    }
    {
        // Sizes and places are set from here: the page's policy allows no style in the markup.
        let (space, window) = (space.clone(), window.clone());
        let above_px = (first_seen - first) * ROW_PX;
        let top_px = geometry.top_of(first_seen).saturating_sub(above_px);
        use_effect_with((geometry.space_px(), top_px, n_rows), move |(space_px, top_px, _)| {
            if let (Some(space), Some(window)) = (space.cast::<HtmlElement>(), window.cast::<HtmlElement>()) {
                let _ = space.style().set_property("height", &format!("{space_px}px"));
                let _ = window.style().set_property("transform", &format!("translateY({top_px}px)"));
            }
        });
    }
    let onscroll = measure.reform(|_: Event| ());
    Rows {
        outer,
        space,
        window,
        onscroll,
        seen: (first_seen, last_seen),
        drawn: first..end,
        n_visible,
        geometry,
    }
}

/// Rows are drawn anew each time that so many went by, not for each pixel.
const STEP: u32 = 4;
