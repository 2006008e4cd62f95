//! Has the browser keep the page's files, and looks out for a newer build of them.
//!
//! The service worker itself is `www/offline/worker.ts`. While the page is developed the built page
//! names none, and nothing here does anything.

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ServiceWorker, ServiceWorkerRegistration, ServiceWorkerState};

use super::bridge::meta;
use crate::app::offline::{Kept, OfflineMessage};

/// The browser's place for service workers; browsers have none where the page is not served safely.
fn container() -> Option<web_sys::ServiceWorkerContainer> {
    let navigator = web_sys::window()?.navigator();
    js_sys::Reflect::get(&navigator, &JsValue::from_str("serviceWorker")).ok()?.dyn_into().ok()
}

/// Has the files kept, and tells how it stands now and whenever that changes.
pub(super) fn start(tell: impl Fn(OfflineMessage) + Clone + 'static) {
    let Some((container, worker)) = container().zip(meta("layerlab-offline")) else { return };
    spawn_local(async move {
        match JsFuture::from(container.register(&worker)).await.map(JsCast::unchecked_into) {
            Ok(registration) => watch(registration, tell),
            Err(_) => tell(OfflineMessage::Told(Kept::Failed, false)),
        }
    });
}

fn watch(registration: ServiceWorkerRegistration, tell: impl Fn(OfflineMessage) + Clone + 'static) {
    let look = {
        let registration = registration.clone();
        move || {
            let kept = match (registration.active(), registration.installing()) {
                (Some(_), _) => Kept::Yes,
                (None, None) if registration.waiting().is_none() => Kept::Failed,
                (None, _) => Kept::Coming,
            };
            let has_newer = registration.active().is_some() && registration.waiting().is_some();
            tell(OfflineMessage::Told(kept, has_newer));
        }
    };
    let follow = {
        let (registration, look) = (registration.clone(), look.clone());
        move || {
            look();
            if let Some(coming) = registration.installing() {
                coming.set_onstatechange(Some(&function(look.clone())));
            }
        }
    };
    follow();
    registration.set_onupdatefound(Some(&function(follow)));
}

/// A function that lives as long as the page.
fn function(called: impl FnMut() + 'static) -> js_sys::Function {
    Closure::<dyn FnMut()>::new(called).into_js_value().unchecked_into()
}

/// Lets a newer build take over, if one waits, and loads the page anew.
pub(super) fn take_over() {
    spawn_local(async {
        let found = match container() {
            Some(container) => JsFuture::from(container.get_registration()).await.ok(),
            None => None,
        };
        let registration = found.and_then(|found| found.dyn_into::<ServiceWorkerRegistration>().ok());
        match registration.and_then(|registration| registration.waiting()) {
            Some(waiting) => {
                let watched: ServiceWorker = waiting.clone();
                waiting.set_onstatechange(Some(&function(move || {
                    // Its answers count from when it is activated on.
                    if watched.state() == ServiceWorkerState::Activated {
                        reload();
                    }
                })));
                let _ = waiting.post_message(&JsValue::from_str("take over"));
            }
            None => reload(),
        }
    });
}

fn reload() {
    let _ = web_sys::window().map(|window| window.location().reload());
}
