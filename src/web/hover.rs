//! What the pointer is on is marked in the picture and in the editor alike.
//!
//! It is no state of the page: nothing is derived of it, and nothing is drawn anew for it.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

/// The instruction whose slab the pointer came upon, by its place among all.
pub(super) fn instruction_under(event: &Event) -> Option<usize> {
    let target: Element = event.target()?.dyn_into().ok()?;
    let slab = target.closest("[data-instruction]").ok()??;
    slab.get_attribute("data-instruction")?.parse().ok()
}

/// Marks the slab of an instruction, and no other.
pub(super) fn mark_slab(instruction: Option<usize>) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    if let Ok(Some(marked)) = document.query_selector("[data-hovered]") {
        let _ = marked.remove_attribute("data-hovered");
    }
    let Some(instruction) = instruction else { return };
    if let Ok(Some(slab)) = document.query_selector(&format!("[data-instruction=\"{instruction}\"]")) {
        let _ = slab.set_attribute("data-hovered", "");
    }
}
