#!/usr/bin/env bash
# Serves dist/ until it is stopped.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

exec node scripts/serve.mjs
