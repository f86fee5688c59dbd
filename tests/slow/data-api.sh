#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs over the Data API that are cut, killed and started together many times; the quick tests do a few of each.
set -eu
cd "$(dirname "$0")/../.."
scripts/data-api-tools >/dev/null || exit $?
export DATA_API_MIGRATIONS=5 DATA_API_CUTS=24 DATA_API_KILLS=24 DATA_API_STARTERS=10
exec "${MESON:-meson}" test -C "$1" --no-rebuild --print-errorlogs --timeout-multiplier 10 data-api-postgres data-api-mariadb
