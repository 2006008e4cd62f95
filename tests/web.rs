//! Tests that run in a browser's worker.
