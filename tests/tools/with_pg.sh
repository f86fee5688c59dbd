#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a test with a PostgreSQL server of its own, stopped and removed at its end:
#
#   with_pg.sh [-b] [-e NAME=VALUE]... COMMAND [ARGUMENT]...
#
# -b starts pgbouncer in transaction mode before it too. The command finds, in its environment,
#   PG_PORT PG_DIR PG_URL           the server (user postgres, database postgres)
#   BOUNCER_PORT BOUNCER_DIR BOUNCER_URL   with -b
#   PG_TOOLS                        the directory of this script
# Exit 77 when a server is not installed: skipped.
set -eu
tools=$(cd "$(dirname "$0")" && pwd)
bouncer=
while [ $# -gt 0 ]; do
    case $1 in
    -b) bouncer=1; shift ;;
    -e) export "$2"; shift 2 ;;
    *) break ;;
    esac
done

free_port() {
    python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/migrate-pg.XXXXXX")
chmod 755 "$scratch"
cleanup() {
    trap '' INT TERM
    for d in "$scratch"/*/; do
        [ ! -e "$d/pid" ] || "$tools/pg_server.sh" stop "$d" immediate || true
    done
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

PG_DIR=$scratch/server
PG_PORT=$(free_port)
"$tools/pg_server.sh" start "$PG_DIR" "$PG_PORT"
PG_URL=postgres://postgres@127.0.0.1:$PG_PORT/postgres
PG_TOOLS=$tools
PG_SCRATCH=$scratch
export PG_DIR PG_PORT PG_URL PG_TOOLS PG_SCRATCH
if [ -n "$bouncer" ]; then
    BOUNCER_DIR=$scratch/bouncer
    BOUNCER_PORT=$(free_port)
    "$tools/pg_server.sh" bouncer "$BOUNCER_DIR" "$BOUNCER_PORT" "$PG_PORT"
    BOUNCER_URL=postgres://postgres@127.0.0.1:$BOUNCER_PORT/postgres
    export BOUNCER_DIR BOUNCER_PORT BOUNCER_URL
fi
# libpq must not be led elsewhere by the tester's own environment
unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSERVICE PGSERVICEFILE PGOPTIONS PGSSLMODE PGAPPNAME || true
"$@"
