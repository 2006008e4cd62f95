#!/usr/bin/env bash
# Serves an unoptimized build and rebuilds it at each change.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# Beside dist/, which holds what the tests run against.
mkdir -p target/dev
export LAYERLAB_BUILD=dev LAYERLAB_DEV=1
say "dev: building (a minute the first time), then serving on http://localhost:${PORT:-8080}; Ctrl+C stops"
exec trunk --log warn serve --dist target/dev --port "${PORT:-8080}"
