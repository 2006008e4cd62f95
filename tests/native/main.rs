//! The native integration tests, linked once.
