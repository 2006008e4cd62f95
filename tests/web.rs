//! Tests that run in a browser's worker.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn runs_in_a_worker() {
    use wasm_bindgen::JsCast;
    assert!(js_sys::global().has_type::<web_sys::DedicatedWorkerGlobalScope>());
}
