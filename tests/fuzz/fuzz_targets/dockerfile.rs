//! Any bytes are parsed and checked, and each repair leaves a text that can be.
//!
//! `make fuzz ARGS=dockerfile` runs it for a while. No part of `make test`.

#![no_main]

use layerlab::digest::{DiffId, Digest};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::graph::{BaseImage, BuildOptions};
use layerlab::lint::{self, LintInput, Scope};
use layerlab::oci::{ImageConfig, Platform};
use layerlab::text::{TextRange, from_bytes, to_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = from_bytes(bytes);
    assert_eq!(to_bytes(&text), bytes);
    let file = Dockerfile::read(&text);
    let joined: String = file.parse.tokens.iter().map(|token| token.range.of(&text)).collect();
    assert_eq!(joined, text);
    let is_range = |range: TextRange| text.get(range.start()..range.end()).is_some();
    for node in &file.parse.nodes {
        let words = node.args.iter().chain(&node.flags).chain([&node.keyword]);
        assert!(words.map(|word| word.range).all(|range| node.range.contains(range) && is_range(range)));
    }
    assert!(file.diagnostics().all(|found| is_range(found.range)));

    let platform = Platform::linux_amd64();
    let config =
        ImageConfig { architecture: platform.architecture, os: platform.os, ..ImageConfig::default() };
    let base = BaseImage { digest: None, config, layers: vec![DiffId(Digest::of(b""))], is_known: true };
    let find_base = |_: &str, _: &Platform| Some(base.clone());
    let options = BuildOptions::default();
    let input = LintInput {
        options: &options,
        dockerignore: Some("b\n*.md\n"),
        find_base: &find_base,
        scope: Scope::Check,
    };
    let report = lint::check(&text, &file, &input);
    assert!(report.stop.iter().all(|stop| is_range(stop.range)));
    for warning in &report.warnings {
        assert!(is_range(warning.range));
        if let Some(fix) = &warning.fix {
            let repaired = fix.apply(&text);
            assert!(Dockerfile::read(&repaired).refusals.len() <= file.refusals.len());
        }
    }
});
