#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL at length: every fault at every message with each lock, many starters, a COPY of 1 GB, a server that
# stands still for 20 s.
#
#   postgres.sh BUILD-FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?build folder}" && pwd)
tests=$here/../integration/postgres
export CLI_EXE=$build/tools/migrate/migrate PROXY_EXE=$build/tests/tools/proxy SOURCE_ROOT=$here/../..
export FAULT_STRIDE=${FAULT_STRIDE:-1} FAULT_ROUNDS=${FAULT_ROUNDS:-500} STARTERS=${STARTERS:-20} ROUNDS=${ROUNDS:-50}
export COPY_MB=${COPY_MB:-1024} STILL_SECONDS=${STILL_SECONDS:-20} PYTHONDONTWRITEBYTECODE=1
failed=0
for topic in bad_third concurrency flavours inputs outages; do
    "$here/../tools/with_pg.sh" -b python3 "$tests/$topic.py"
    code=$?
    [ $code -ne 77 ] || exit 77
    [ $code -eq 0 ] || failed=1
done
# A stalled run waits, so that they are done side by side.
pids=
logs=$(mktemp -d)
for mode in ${FAULT_MODES:-session lease none pgbouncer}; do
    FAULT_MODES=$mode "$here/../tools/with_pg.sh" -b python3 "$tests/faults.py" >"$logs/$mode" 2>&1 &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || failed=1
done
cat "$logs"/*
rm -rf "$logs"
exit $failed
