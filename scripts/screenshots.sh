#!/usr/bin/env bash
# Takes pictures of every state of the built page, and that of the README.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

require_browser
exec node scripts/screenshots.mjs "$@"
