#!/usr/bin/env bash
# Measures the core natively and the page in Chromium.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
require_browser

say "bench: native"
cargo bench --locked --quiet --benches || die "A native measurement failed; see above."
scripts/build.sh
say "bench: page"
# shellcheck disable=SC2086
playwright test --project=bench --pass-with-no-tests ${ARGS:-} || die "A measurement in the browser failed; see above."
