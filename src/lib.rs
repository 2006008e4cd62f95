#![doc = include_str!("ARCHITECTURE.md")]

pub mod archive;
pub mod cache;
pub mod context;
pub mod diagnostic;
pub mod digest;
pub mod dockerfile;
pub mod graph;
pub mod image;
pub mod layer;
pub mod oci;
pub mod text;
#[cfg(target_arch = "wasm32")]
pub mod web;
