#![doc = include_str!("ARCHITECTURE.md")]

pub mod diagnostic;
pub mod digest;
pub mod dockerfile;
pub mod text;
#[cfg(target_arch = "wasm32")]
pub mod web;
