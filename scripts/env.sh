# What all scripts share; to be sourced. Works with the bash 3.2 of macOS.
# It changes to the project's folder and puts the pinned tools on PATH.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

WASM_TARGET=wasm32-unknown-unknown
# Tools live outside the project, so that `make clean` does not cost minutes,
# and outside ~/.cargo/bin, so that nobody's own versions are replaced.
TOOLS="${XDG_CACHE_HOME:-$HOME/.cache}/layerlab"

say() { printf '%s\n' "$*"; }
die() { printf '\nerror: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The version that Trunk.toml asks for: `pinned wasm_bindgen` is 0.2.130.
pinned() { sed -n "s/^$1 = \"[^0-9]*\([0-9.]*\)\"\$/\1/p" Trunk.toml; }

# Is the program on PATH, in exactly this version?
has_version() { # PROGRAM VERSION
    have "$1" && [ "$("$1" --version 2>/dev/null | awk 'NR == 1 { print $2 }')" = "$2" ]
}

has_trunk() { has_version trunk "$TRUNK_VERSION"; }
has_wasm_bindgen() {
    has_version wasm-bindgen "$WASM_BINDGEN_VERSION" &&
        has_version wasm-bindgen-test-runner "$WASM_BINDGEN_VERSION"
}

TRUNK_VERSION="$(pinned trunk-version)"
WASM_BINDGEN_VERSION="$(pinned wasm_bindgen)"
CARGO_FUZZ_DIR="$TOOLS/cargo-fuzz"
TRUNK_DIR="$TOOLS/trunk-$TRUNK_VERSION"
WASM_BINDGEN_DIR="$TOOLS/wasm-bindgen-$WASM_BINDGEN_VERSION"

# rustup's folder is often missing on PATH where no login shell has run.
have cargo || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
has_trunk || PATH="$TRUNK_DIR/bin:$PATH"
has_wasm_bindgen || PATH="$WASM_BINDGEN_DIR/bin:$PATH"
have cargo-fuzz || PATH="$CARGO_FUZZ_DIR/bin:$PATH"
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

# Nothing is downloaded or asked behind our back.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 TRUNK_SKIP_VERSION_CHECK=true
# A build that is thrown away has no use for incremental state.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"

# Prints the path of a Chromium or Chrome: the one named by CHROMIUM, else one
# on PATH, else a macOS application, else what Playwright has installed.
find_chromium() {
    local name path
    if [ -n "${CHROMIUM:-}" ]; then
        command -v "$CHROMIUM"
        return
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if have "$name"; then
            command -v "$name"
            return
        fi
    done
    for path in "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        if [ -x "$path" ]; then
            say "$path"
            return
        fi
    done
    path="$(node -e 'import("@playwright/test").then((m) => console.log(m.chromium.executablePath()))' 2>/dev/null)" &&
        [ -x "$path" ] && say "$path"
}

# Prints the path of the program through which the WebAssembly tests drive the browser.
find_chromedriver() {
    local dir
    if [ -n "${CHROMEDRIVER:-}" ]; then
        command -v "$CHROMEDRIVER"
        return
    fi
    if have chromedriver; then
        command -v chromedriver
        return
    fi
    # Where GitHub's runners and some distributions keep it.
    for dir in "${CHROMEWEBDRIVER:-}" /usr/lib/chromium /usr/lib/chromium-browser; do
        if [ -n "$dir" ] && [ -x "$dir/chromedriver" ]; then
            say "$dir/chromedriver"
            return
        fi
    done
    return 1
}

# The first number of what a browser or driver says about its version.
major_version() { "$1" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\)\..*/\1/p' | sed -n 1p; }

# Sets and exports CHROMIUM and CHROMEDRIVER, or ends with what to do.
require_browser() {
    local browser driver named
    named="${CHROMIUM:+ at CHROMIUM=$CHROMIUM}"
    CHROMIUM="$(find_chromium)" || die "No Chromium was found$named." \
        "Install Chromium or Google Chrome, or name one in the environment variable CHROMIUM, and run this again."
    browser="$(major_version "$CHROMIUM")"
    named="${CHROMEDRIVER:+ at CHROMEDRIVER=$CHROMEDRIVER}"
    CHROMEDRIVER="$(find_chromedriver)" || die "No chromedriver was found$named." \
        "Install the one for Chromium $browser (for example with 'npx @puppeteer/browsers install chromedriver@$browser')," \
        "put it on PATH or name it in the environment variable CHROMEDRIVER, and run this again."
    driver="$(major_version "$CHROMEDRIVER")"
    [ "$browser" = "$driver" ] || die "$CHROMIUM is version ${browser:-unknown} but $CHROMEDRIVER is version ${driver:-unknown}." \
        "Install a pair of the same version, or name one in the environment variables CHROMIUM and CHROMEDRIVER."
    export CHROMIUM CHROMEDRIVER
}
