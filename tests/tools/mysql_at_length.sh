#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests of MySQL and MariaDB outside of meson, for the slow tier:
#
#   mysql_at_length.sh mariadb|mysql all|some BUILD-FOLDER
#
# all: every place, many rounds; some: as often as in scripts/test. MARIADB_ROOT and MYSQL_ROOT name the server, as
# mysql_server.sh says. Exit 77 when it is not there.
set -u
kind=$1 much=$2
build=$(cd "${3:?build folder}" && pwd)
tools=$(cd "$(dirname "$0")" && pwd)
tests=$tools/../integration/mysql
if [ "$much" = all ]; then
    export PLACES=${PLACES:-0} STARTERS=${STARTERS:-20} ROUNDS=${ROUNDS:-50} KILLS=${KILLS:-500} KILL_ROUNDS=${KILL_ROUNDS:-500}
else
    export PLACES=${PLACES:-2}
fi
export CLI_EXE=$build/tools/migrate/migrate PROXY_EXE=$build/tests/tools/proxy API_EXE=$build/tests/engine/api
SOURCE_ROOT=$(cd "$tools/../.." && pwd)
export KILL_AT=$build/tests/torture/kill_at SOURCE_ROOT ENGINE=$kind PYTHONDONTWRITEBYTECODE=1
for needed in "$CLI_EXE" "$PROXY_EXE" "$API_EXE" "$KILL_AT" "$build/tests/integration/mysql/test-mysql"; do
    [ -x "$needed" ] || { echo "skipped: $needed was not built"; exit 77; }
done
failed=0
# What MariaDB takes for utf8mb4 alone has changed with 11.5; expected schemas are of one before.
collations=--loose-character-set-collations=
run() { # NAME COMMAND...
    name=$1
    shift
    began=$SECONDS
    "$tools/with_mysql.sh" -f -s "$collations" "$kind" "$@"
    code=$?
    if [ $code -eq 77 ]; then
        [ "$name" != driver ] || exit 77 # no server
        echo "skipped: $name on $kind"
    elif [ $code -eq 0 ]; then
        echo "ok: $name on $kind, $((SECONDS - began)) s"
    else
        echo "failed: $name on $kind, exit $code"
        failed=1
    fi
}
run driver "$build/tests/integration/mysql/test-mysql"
run allocations "$build/tests/integration/mysql/test-mysql-alloc"
[ ! -x "$build/tests/integration/mysql/test-mysql-conformance" ] || run conformance "$build/tests/integration/mysql/test-mysql-conformance"
run corpora "$SOURCE_ROOT/tests/engine/run.py" test_corpora
run engine "$SOURCE_ROOT/tests/engine/run.py"
for topic in cuts faults settings together; do
    run "$topic" python3 "$tests/$topic.py"
done
exit $failed
