//! The picture as a file: SVG with all looks in it, or PNG.

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Blob, CanvasRenderingContext2d, CssStyleDeclaration, Document, Element, HtmlCanvasElement,
    HtmlImageElement, Url, XmlSerializer,
};

use super::handout::{save_blob, text_blob};

/// What of a shape's look is written into it, since a file has no style sheet.
const LOOKS: [&str; 11] = [
    "color",
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-linejoin",
    "opacity",
    "font-family",
    "font-size",
    "font-weight",
];

/// PNG is written this many times as large, so that it is crisp on fine screens.
const PNG_SCALE: u32 = 2;

/// Offers the picture as a file.
pub(super) fn save_picture(svg: &Element, is_png: bool) {
    // Nothing was promised where the browser cannot: no file comes.
    if let Ok((blob, width, height)) = svg_blob(svg) {
        let _ = if is_png { save_png(&blob, width, height) } else { save_blob("layerlab.svg", &blob) };
    }
}

fn document() -> Result<Document, JsValue> {
    web_sys::window().and_then(|window| window.document()).ok_or_else(|| "there is no document".into())
}

/// A copy of the picture that stands by itself, and its size.
fn svg_blob(svg: &Element) -> Result<(Blob, u32, u32), JsValue> {
    let copy: Element = svg.clone_node_with_deep(true)?.dyn_into()?;
    write_looks(svg, &copy)?;
    embed_icons(&copy)?;
    let size: Vec<u32> = svg
        .get_attribute("viewBox")
        .unwrap_or_default()
        .split(' ')
        .filter_map(|number| number.parse().ok())
        .collect();
    let (width, height) = (size.get(2).copied().unwrap_or(0), size.get(3).copied().unwrap_or(0));
    let document = document()?;
    let ground = document.create_element_ns(svg.namespace_uri().as_deref(), "rect")?;
    let panel = svg.closest(".panel")?.unwrap_or_else(|| svg.clone());
    let fill = look_of(&panel)?.get_property_value("background-color")?;
    for (name, value) in [("width", width.to_string()), ("height", height.to_string()), ("fill", fill)] {
        ground.set_attribute(name, &value)?;
    }
    copy.insert_before(&ground, copy.first_child().as_ref())?;
    copy.set_attribute("width", &width.to_string())?;
    copy.set_attribute("height", &height.to_string())?;
    let text = XmlSerializer::new()?.serialize_to_string(&copy)?;
    Ok((text_blob("image/svg+xml", &text)?, width, height))
}

fn look_of(element: &Element) -> Result<CssStyleDeclaration, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    window.get_computed_style(element)?.ok_or_else(|| "it has no look".into())
}

fn write_looks(shown: &Element, copy: &Element) -> Result<(), JsValue> {
    let look = look_of(shown)?;
    for name in LOOKS {
        let value = look.get_property_value(name)?;
        if !value.is_empty() {
            copy.set_attribute(name, &value)?;
        }
    }
    // Classes and the keyboard's attributes mean nothing in a file.
    for name in ["class", "tabindex", "aria-pressed", "aria-expanded", "data-instruction", "role"] {
        copy.remove_attribute(name)?;
    }
    let (shown, copy) = (shown.children(), copy.children());
    for idx in 0..shown.length() {
        if let (Some(shown), Some(copy)) = (shown.item(idx), copy.item(idx)) {
            write_looks(&shown, &copy)?;
        }
    }
    Ok(())
}

/// Icons are drawn from the page's sprite; a file takes along those that it needs.
fn embed_icons(copy: &Element) -> Result<(), JsValue> {
    let document = document()?;
    let uses = copy.query_selector_all("use")?;
    for idx in 0..uses.length() {
        let Some(shown) = uses.get(idx).and_then(|node| node.dyn_into::<Element>().ok()) else { continue };
        let href = shown.get_attribute("href").unwrap_or_default();
        let Some(symbol) = document.get_element_by_id(href.trim_start_matches('#')) else { continue };
        let icon = document.create_element_ns(copy.namespace_uri().as_deref(), "svg")?;
        for name in ["x", "y", "width", "height", "color"] {
            icon.set_attribute(name, &shown.get_attribute(name).unwrap_or_default())?;
        }
        for name in ["viewBox", "fill", "stroke", "stroke-linecap", "stroke-linejoin"] {
            icon.set_attribute(name, &symbol.get_attribute(name).unwrap_or_default())?;
        }
        icon.set_attribute("stroke-width", "2")?;
        let shapes = symbol.children();
        for idx in 0..shapes.length() {
            if let Some(shape) = shapes.item(idx) {
                icon.append_child(&shape.clone_node_with_deep(true)?)?;
            }
        }
        shown.replace_with_with_node_1(&icon)?;
    }
    Ok(())
}

fn save_png(svg: &Blob, width: u32, height: u32) -> Result<(), JsValue> {
    let image = HtmlImageElement::new()?;
    let url = Url::create_object_url_with_blob(svg)?;
    image.set_src(&url);
    let drawn = image.clone();
    let on_load = Closure::once_into_js(move || {
        let _ = Url::revoke_object_url(&url);
        let _ = draw_png(&drawn, width * PNG_SCALE, height * PNG_SCALE);
    });
    image.add_event_listener_with_callback("load", on_load.unchecked_ref())
}

fn draw_png(image: &HtmlImageElement, width: u32, height: u32) -> Result<(), JsValue> {
    let canvas: HtmlCanvasElement = document()?.create_element("canvas")?.dyn_into()?;
    canvas.set_width(width);
    canvas.set_height(height);
    let pen: CanvasRenderingContext2d = canvas.get_context("2d")?.ok_or("there is no canvas")?.dyn_into()?;
    pen.draw_image_with_html_image_element_and_dw_and_dh(image, 0.0, 0.0, width.into(), height.into())?;
    let on_blob = Closure::once_into_js(move |blob: Option<Blob>| {
        let _ = blob.map(|blob| save_blob("layerlab.png", &blob));
    });
    canvas.to_blob(on_blob.unchecked_ref())
}
