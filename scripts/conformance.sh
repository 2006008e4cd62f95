#!/usr/bin/env bash
# Compares with the recorded cases and prints the totals. LAYERLAB_CORPUS, when
# set, names a folder of further cases.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

cargo test --locked --quiet --test native conformance -- --nocapture ||
    die "Some cases give another answer than the recorded one; they are named above."
