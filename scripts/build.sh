#!/usr/bin/env bash
# Builds the page into dist/.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# Both programs carry this, so that the page notices a worker of another build.
# Only release builds get a commit's name: it would make the others compile
# again after each commit.
if [ -z "${LAYERLAB_BUILD:-}" ]; then
    LAYERLAB_BUILD="$(git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || true)"
fi
export LAYERLAB_BUILD="${LAYERLAB_BUILD:-dev}"

say "build: the page, release profile (a few minutes the first time)"
trunk --log warn build --release ||
    die "The build failed. The first error above says where."
say "build: dist/ is ready, build id $LAYERLAB_BUILD"
