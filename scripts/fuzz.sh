#!/usr/bin/env bash
# Runs fuzz targets, one after the other, up to the first that finds something.
#
#   fuzz.sh [TARGET...]    all of them where none is named
#
# FUZZ_SECONDS says how long each runs. What is learned stays in tests/fuzz/corpus.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

[ $# -gt 0 ] || set -- dockerfile archive layer
for target in "$@"; do
    [ -f "tests/fuzz/fuzz_targets/$target.rs" ] && [ "$target" != common ] ||
        die "There is no target '$target'; the targets are dockerfile, archive and layer."
    case "$target" in
    dockerfile) seeds="tests/corpus/found tests/corpus/tricky" ;;
    *) seeds="tests/corpus/hostile tests/corpus/images" ;;
    esac
    say "==> fuzz $target, for ${FUZZ_SECONDS:-60} s"
    mkdir -p "tests/fuzz/corpus/$target"
    # The core is safe Rust, so that no sanitizer is needed and thus no nightly compiler, only its switches.
    # shellcheck disable=SC2086
    RUSTC_BOOTSTRAP=1 cargo fuzz run -s none --fuzz-dir tests/fuzz "$target" "tests/fuzz/corpus/$target" $seeds -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=65536 -timeout=20 -rss_limit_mb=3000 ||
        die "The target '$target' found something; the input is in tests/fuzz/artifacts/$target."
done
