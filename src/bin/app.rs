//! The page's program.

fn main() {
    #[cfg(target_arch = "wasm32")]
    layerlab::web::start_app(option_env!("LAYERLAB_BUILD").unwrap_or("dev"));
}
