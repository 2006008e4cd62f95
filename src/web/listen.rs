//! What happens to the page as a whole: another address, files dropped anywhere, printing, keys.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, Event};
use yew::TargetCast;

use super::address::{current_place, linked};
use super::disk;
use super::enter;
use super::folder::{self, Chosen};
use super::hover::instruction_under;
use super::root::{Input, Root};
use crate::app::share::ShareMessage;
use crate::app::update::Message;

/// The address, files dropped anywhere, printing, and keys that are commands.
pub(super) fn listeners(
    link: &yew::html::Scope<Root>,
    has_single_keys: Rc<Cell<bool>>,
) -> Vec<Closure<dyn FnMut(Event)>> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    let moved = {
        let link = link.clone();
        Closure::<dyn FnMut(Event)>::new(move |_| {
            link.send_message(Input::App(match linked() {
                Some(hash) => Message::Share(ShareMessage::LinkOpened(hash)),
                None => Message::PlaceEntered(current_place()),
            }));
        })
    };
    let printing = |is_on: bool| {
        let link = link.clone();
        Closure::<dyn FnMut(Event)>::new(move |_| {
            link.send_message(Input::App(Message::Share(ShareMessage::PrintingSwitched(is_on))));
        })
    };
    let dragged = Closure::<dyn FnMut(Event)>::new(|event: Event| {
        if event
            .dyn_ref::<DragEvent>()
            .and_then(DragEvent::data_transfer)
            .is_some_and(|data| data.types().includes(&"Files".into(), 0))
        {
            event.prevent_default();
        }
    });
    let dropped = {
        let link = link.clone();
        Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            let data = event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer);
            let Some(data) = data else { return };
            let Some(chosen) = Chosen::of_drop(&data) else { return };
            let files = disk::of_drop(&data);
            event.prevent_default();
            let target = event.target_dyn_into::<web_sys::Element>();
            let on_context = target.and_then(|target| target.closest(".context-panel").ok().flatten());
            match chosen {
                Chosen::Archive(file) => {
                    let link = link.clone();
                    spawn_local(async move {
                        let found = disk::dockerfiles_among(files).await;
                        if !found.is_empty() {
                            for (file, handle) in found {
                                link.send_message(Input::DockerfileDropped(file, handle));
                            }
                            return;
                        }
                        // No image is a zip.
                        let is_context = on_context.is_some() || folder::is_zip(&file).await;
                        link.send_message(if is_context {
                            Input::ContextChosen(Chosen::Archive(file))
                        } else {
                            Input::FileChosen(file)
                        });
                    });
                }
                chosen => link.send_message(Input::ContextChosen(chosen)),
            }
        })
    };
    let pressed = {
        let link = link.clone();
        Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            if let Some(command) = enter::command(&event, has_single_keys.get()) {
                event.prevent_default();
                event.stop_propagation();
                link.send_message(Input::Commanded(command));
            }
        })
    };
    let hovered = {
        let (link, before) = (link.clone(), Cell::new(None));
        Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            let now = instruction_under(&event);
            if before.replace(now) != now {
                link.send_message(Input::SlabHovered(now));
            }
        })
    };
    let all = vec![
        ("hashchange", moved),
        ("mouseover", hovered),
        ("dragover", dragged),
        ("drop", dropped),
        ("beforeprint", printing(true)),
        ("afterprint", printing(false)),
    ];
    for (name, closure) in &all {
        let _ = window.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    }
    // On the way down: the editor has a meaning of its own for some of them.
    let heard = pressed.as_ref().unchecked_ref();
    let _ = window.add_event_listener_with_callback_and_bool("keydown", heard, true);
    let mut closures: Vec<_> = all.into_iter().map(|(_, closure)| closure).collect();
    closures.push(pressed);
    closures
}
