#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the addon against a build folder of libmigrate and runs the tests on SQLite and PostgreSQL:
#
#   run.sh BUILD
#
# npm fetches the headers and the TypeScript compiler into .cache/node at the top. Exit 77, skipped, without
# node, npm or the headers; PostgreSQL's tests are reported as skipped by node where there is no server.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
build=$(cd "$1" && pwd)
cache=$top/.cache/node

skip() {
    echo "skipped: $1" >&2
    exit 77
}
command -v node >/dev/null || skip "no node"
command -v npm >/dev/null || skip "no npm"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' || skip "node is older than 18"
if [ ! -e "$cache/node_modules/node-api-headers/include/node_api.h" ] ||
    [ ! -e "$cache/node_modules/typescript/lib/tsc.js" ]; then
    mkdir -p "$cache"
    npm install --prefix "$cache" --no-audit --no-fund --ignore-scripts node-api-headers@1 typescript@5 >&2 ||
        skip "npm cannot fetch node-api-headers and typescript"
fi

out=$build/node
"$here/../build.sh" -o "$out" -b "$build" -n "$cache/node_modules/node-api-headers/include"
LIBMIGRATE_NODE_ADDON=$out/libmigrate.node
LIBMIGRATE_TSC=$cache/node_modules/typescript/lib/tsc.js
export LIBMIGRATE_NODE_ADDON LIBMIGRATE_TSC
unset DATABASE_URL MIGRATE_DATABASE_URL MIGRATE_SOURCE || true
status=0
"$top/tests/tools/with_pg.sh" node --test "$here"/*.test.js || status=$?
if [ "$status" = 77 ]; then
    status=0
    node --test "$here"/*.test.js || status=$?
fi
exit "$status"
