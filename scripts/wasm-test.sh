#!/usr/bin/env bash
# Runs tests/web.rs, compiled to WebAssembly, in a browser through chromedriver.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
require_browser

mkdir -p target/web
# The runner adds what a headless run without a sandbox needs.
cat >target/web/webdriver.json <<JSON
{ "goog:chromeOptions": { "binary": "$CHROMIUM",
  "args": ["disable-background-networking", "no-first-run", "disable-component-update", "disable-sync"] } }
JSON

# Another driver in the environment would be preferred to CHROMEDRIVER.
unset GECKODRIVER GECKODRIVER_REMOTE SAFARIDRIVER SAFARIDRIVER_REMOTE CHROMEDRIVER_REMOTE
export WASM_BINDGEN_TEST_WEBDRIVER_JSON="$PWD/target/web/webdriver.json"
# The defaults, 20 and 5 seconds, are short for a busy machine.
export WASM_BINDGEN_TEST_TIMEOUT=180 WASM_BINDGEN_TEST_DRIVER_TIMEOUT=60
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner
# Not --quiet: cargo would hand it on to the runner, which does not know it.
exec cargo test --locked --target "$WASM_TARGET" --test web
