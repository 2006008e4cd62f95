#!/usr/bin/env bash
# Runs the checks, one after the other, up to the first that fails.
#
#   check.sh all | lint | unit | wasm-test | e2e
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

summary=

# Each check is one command, since `set -e` does not reach into a function
# whose result is looked at.
check() { # NAME WHAT_TO_DO COMMAND...
    local name="$1" advice="$2" started=$SECONDS took
    shift 2
    say "==> $name"
    if ! "$@"; then
        die "The check '$name' failed after $((SECONDS - started)) s. $advice"
    fi
    took=$((SECONDS - started))
    say "    $name: passed in $took s"
    summary="$summary$(printf '%6d s  %s' "$took" "$name")
"
}

lint() {
    check "format" "Run 'cargo fmt'." \
        cargo fmt --check
    check "clippy, native" "Mend what clippy names above; 'make lint' runs this alone." \
        cargo clippy --locked --quiet --all-targets -- -D warnings
    check "clippy, WebAssembly" "Mend what clippy names above; 'make lint' runs this alone." \
        cargo clippy --locked --quiet --lib --bins --target "$WASM_TARGET" -- -D warnings
    check "TypeScript" "Mend what the compiler names above; 'make lint' runs this alone." \
        tsc
}

unit() {
    check "native tests" "Mend the tests named above; 'make unit' runs this alone. If a recorded output is meant to change, run it with UPDATE_EXPECT=1." \
        cargo test --locked --quiet
}

docs() {
    check "documentation, native" "Mend the comments named above." \
        env RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps --document-private-items
    check "documentation, WebAssembly" "Mend the comments named above." \
        env RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps --document-private-items --target "$WASM_TARGET"
}

wasm_test() {
    check "WebAssembly tests" "Mend the tests named above; 'make wasm-test' runs this alone." \
        scripts/wasm-test.sh
}

page() {
    check "release build" "Mend the error above; 'make build' runs this alone." \
        scripts/build.sh
    check "size budget" "See above which part grew." \
        node scripts/budget.mjs
}

e2e() {
    # Unquoted, so that ARGS can hold several words.
    # shellcheck disable=SC2086
    check "browser tests" "Mend the tests named above; 'make e2e' runs this alone, and test-results/ has what the page looked like." \
        playwright test --project=browser ${ARGS:-}
}

case "${1:-}" in
all | wasm-test | e2e) require_browser ;;
esac
case "${1:-}" in
all)
    say "check: everything (five to ten minutes on two cores after a fresh clone, one or two when built before)"
    lint
    unit
    docs
    wasm_test
    page
    e2e
    ;;
lint) lint ;;
unit) unit ;;
wasm-test) wasm_test ;;
e2e)
    page
    e2e
    ;;
*) die "Say which checks to run: all, lint, unit, wasm-test or e2e." ;;
esac
say ""
say "All checks passed."
printf '%s%6d s  in total\n' "$summary" "$SECONDS"
