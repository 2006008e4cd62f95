//! Parses and checks Dockerfiles of 10, 240, 100,000 and 250,000 lines; the last has 10 MB.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "measures and tells")]

#[path = "common.rs"]
mod common;

use common::{Seed, best_of, millis, ratio, sha256_of};
use layerlab::dockerfile::stage::Dockerfile;
use layerlab::dockerfile::syntax;
use layerlab::graph::BuildOptions;
use layerlab::lint::{self, LintInput, Scope};

fn dockerfile(n_lines: usize) -> String {
    let mut seed = Seed(1);
    let mut text = "FROM debian:12 AS base\n".to_owned();
    for n in 1..n_lines {
        let line = match seed.below(6) {
            0 => format!("RUN apt-get install -y package{n} && rm -rf /var/lib/apt/lists/*\n"),
            1 => format!("COPY --chown=1000:1000 src/part{n} /srv/part{n}\n"),
            2 => format!("ENV NAME_{n}=\"value ${{NAME_{}:-none}}\"\n", n / 2),
            3 => format!("# a remark on line {n}\n"),
            4 => format!("RUN [\"make\", \"target{n}\"]\n"),
            _ => format!("LABEL label.{n}='text {n}'\n"),
        };
        text.push_str(&line);
    }
    text
}

fn main() {
    println!("parse: tokens, instructions understood, and all checks made; beside sha256 of as many bytes");
    let options = BuildOptions::default();
    let input =
        LintInput { options: &options, dockerignore: Some(""), find_base: &|_, _| None, scope: Scope::Check };
    for (n_lines, n_runs) in [(10, 200), (240, 50), (100_000, 5), (250_000, 3)] {
        let text = dockerfile(n_lines);
        let tokens = best_of(n_runs, || syntax::parse(&text));
        let whole = best_of(n_runs, || Dockerfile::read(&text));
        let checked = best_of(n_runs, || {
            let file = Dockerfile::read(&text);
            lint::check(&text, &file, &input)
        });
        let hash = sha256_of(text.len());
        println!(
            "parse: {n_lines} lines, {} bytes: tokens {} ({}x sha256), read {} ({}x), read and checked {} ({}x)",
            text.len(),
            millis(tokens),
            ratio(tokens, hash),
            millis(whole),
            ratio(whole, hash),
            millis(checked),
            ratio(checked, hash),
        );
    }
}
