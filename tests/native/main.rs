//! The native integration tests, linked once.

// `cfg(test)` also tells clippy that all of it is a test, which may be blunt.
#[cfg(test)]
mod archives;
#[cfg(test)]
mod assist;
#[cfg(test)]
mod buildfiles;
#[cfg(test)]
mod cache_properties;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod contents;
#[cfg(test)]
mod contexts;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod layer_roundtrip;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod report;
#[cfg(test)]
mod stacking;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod unpacking;
#[cfg(test)]
mod workers;
