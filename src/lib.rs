#![doc = include_str!("ARCHITECTURE.md")]

pub mod app;
pub mod archive;
pub mod cache;
pub mod context;
pub mod diagnostic;
pub mod digest;
pub mod dockerfile;
pub mod graph;
pub mod image;
pub mod job;
pub mod layer;
pub mod oci;
pub mod protocol;
pub mod text;
#[cfg(target_arch = "wasm32")]
pub mod web;
