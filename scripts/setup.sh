#!/usr/bin/env bash
# Installs what is missing, and only that.
#
#   setup.sh rust       the compiler's parts, and the crates
#   setup.sh npm        the npm packages
#   setup.sh tools      Trunk and wasm-bindgen
#   setup.sh browser    Chromium and chromedriver
#   setup.sh fuzz       cargo-fuzz
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        return 1
    fi
}

apt_install() { # PACKAGE...
    have apt-get || return 1
    say "setup: installing the packages $* with apt-get"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
    # The usual reason for a failure on a bare system: it has no package lists yet.
    as_root apt-get update -qq >/dev/null &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Optimizing these programs would take longer than all their runs together.
cargo_install() { # FOLDER ARGUMENTS...
    local dir="$1"
    shift
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_DEBUG=0 \
        cargo install --quiet --force --root "$dir" "$@"
}

# Says how long this takes, once, before the first wait.
announced=
announce() {
    [ -z "$announced" ] || return 0
    announced=1
    say "setup: installing what is missing; the first time takes about five minutes on two cores, later runs a second or two"
}

set_up_rust() {
    local wanted found
    have cargo || die "Rust is missing. Install the stable toolchain with rustup (https://rustup.rs) and run this again."
    if ! have cc; then
        if [ "$(uname)" = Darwin ]; then
            die "The C compiler, which Rust links with, is missing. Run 'xcode-select --install' and then this again."
        fi
        apt_install build-essential || die "The C compiler 'cc', which Rust links with, is missing. Install gcc or clang and run this again."
    fi

    # macOS has no `timeout`, which the script below wants for the same command.
    if ! have timeout && have rustup; then
        rustup target add "$WASM_TARGET" >/dev/null 2>&1 ||
            die "rustup could not add the target $WASM_TARGET. Run 'rustup target add $WASM_TARGET' to see why, and then this again."
    fi
    local log
    log="$(mktemp)"
    # It reports to stderr; a run that changed nothing has nothing to report.
    if ! scripts/setup-wasm-target.sh "$PWD" 2>"$log"; then
        cat "$log" >&2
        rm -f "$log"
        die "The compiler cannot build for $WASM_TARGET. Run 'rustup target add $WASM_TARGET' and then this again."
    fi
    grep -v ': ready: ' "$log" || true
    rm -f "$log"

    wanted="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)"
    found="$(rustc --version | awk '{ print $2 }')"
    [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -t. -k1,1n -k2,2n | sed -n 1p)" = "$wanted" ] ||
        die "Rust $found is too old, $wanted is needed. Run 'rustup update stable' and then this again."
    if ! cargo clippy --version >/dev/null 2>&1 || ! cargo fmt --version >/dev/null 2>&1; then
        rustup component add clippy rustfmt >/dev/null 2>&1 ||
            die "clippy or rustfmt is missing. Run 'rustup component add clippy rustfmt' and then this again."
    fi

    cargo fetch --locked --quiet ||
        die "The crates of Cargo.lock could not be fetched. See above: either the network is away, or Cargo.toml has changed; then run 'cargo update --workspace' and commit Cargo.lock."
}

set_up_npm() {
    have node && have npm || die "Node.js is missing. Install Node.js 20 or newer, with npm, and run this again."
    [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] ||
        die "Node.js $(node --version) is too old. Install Node.js 20 or newer and run this again."

    if ! cmp -s package-lock.json node_modules/.package-lock.installed; then
        announce
        say "setup: installing the npm packages of package-lock.json (half a minute)"
        npm ci --loglevel=error >/dev/null ||
            die "npm could not install the packages of package-lock.json. See above; if package.json has changed, run 'npm install' and commit package-lock.json."
        cp package-lock.json node_modules/.package-lock.installed
    fi
}

set_up_tools() {
    local locked
    # The program and the crate of the same name only work together in the same version.
    locked="$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/"/, "", $3); print $3 }' Cargo.lock)"
    [ "$locked" = "$WASM_BINDGEN_VERSION" ] ||
        die "Cargo.lock has wasm-bindgen $locked but Trunk.toml has $WASM_BINDGEN_VERSION. Make them the same."

    if ! has_trunk; then
        announce
        say "setup: compiling Trunk $TRUNK_VERSION into $TRUNK_DIR (three minutes)"
        cargo_install "$TRUNK_DIR" trunk --locked --version "$TRUNK_VERSION" --no-default-features ||
            die "Trunk could not be installed. See above; 'cargo install trunk --locked --version $TRUNK_VERSION' by hand does as well."
    fi
    if ! has_wasm_bindgen; then
        announce
        say "setup: compiling wasm-bindgen $WASM_BINDGEN_VERSION into $WASM_BINDGEN_DIR (two minutes)"
        # Not --locked: its lock file is ahead of some crate mirrors.
        cargo_install "$WASM_BINDGEN_DIR" wasm-bindgen-cli --version "$WASM_BINDGEN_VERSION" ||
            die "wasm-bindgen could not be installed. See above; 'cargo install wasm-bindgen-cli --version $WASM_BINDGEN_VERSION' by hand does as well."
    fi
}

set_up_browser() {
    # A browser that was named or found is left alone; only a system without one gets the distribution's.
    if [ -z "${CHROMIUM:-}" ] && ! find_chromium >/dev/null; then
        announce
        apt_install chromium chromium-driver || say "setup: apt-get could not install Chromium"
    elif [ -z "${CHROMEDRIVER:-}" ] && ! find_chromedriver >/dev/null; then
        apt_install chromium-driver || say "setup: apt-get could not install chromedriver"
    fi
    require_browser
}

set_up_fuzz() {
    have cargo-fuzz && return
    announce
    say "setup: compiling cargo-fuzz into $CARGO_FUZZ_DIR (one minute)"
    cargo_install "$CARGO_FUZZ_DIR" cargo-fuzz ||
        die "cargo-fuzz could not be installed. See above; 'cargo install cargo-fuzz' by hand does as well."
}

[ $# -gt 0 ] || die "Say what to set up: rust, npm, tools, browser or fuzz."
for part in "$@"; do
    case "$part" in
    rust | npm | tools | browser | fuzz) "set_up_$part" ;;
    *) die "There is no part '$part' to set up; the parts are rust, npm, tools, browser and fuzz." ;;
    esac
done
[ -z "$announced" ] || say "setup: done in $SECONDS s"
