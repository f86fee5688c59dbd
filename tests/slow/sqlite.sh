#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SQLite at length: 10,000 migrations, a file of 1 GB, many starters at once, and allocations of the command line
# that fail: sqlite.sh BUILD
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?build folder}" && pwd)
export CLI_EXE="$build/tools/migrate/migrate" ALLOC_SHIM="$build/tests/fault/alloc_shim.so"
export PEAK_EXE="$build/tests/tools/peak"
export SOURCE_ROOT="$here/../.." PYTHONDONTWRITEBYTECODE=1 ALLOC_STRIDE="${ALLOC_STRIDE:-5}"
export STARTERS="${STARTERS:-20}" ROUNDS="${ROUNDS:-50}" MIGRATIONS="${MIGRATIONS:-10000}" FILE_MB="${FILE_MB:-1024}"
failed=0
for file in "$here/../engine/large.py" "$here/../engine/starters.py" "$here/../fault/cli_alloc.py"; do
    python3 "$file" || failed=1
done
exit $failed
