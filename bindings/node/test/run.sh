#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the addon against a build folder of libmigrate ($BUILD_ROOT) and runs tests of the Node package:
#
#   run.sh sqlite     all but the servers'
#   run.sh servers    those that need the server this was started under
#   run.sh versions   the SQLite part with the Nodes that scripts/node-tools has put into .cache
#   run.sh package    the tarball, installed into an empty project
#   run.sh kills      runs killed at any time, on the server this was started under or on SQLite
#
# Exit 77, skipped, without node, or the headers that scripts/node-tools installs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
tools=$top/.cache/node

skip() {
    echo "skipped: $1" >&2
    exit 77
}
# A Node without the sanitizers' run time cannot load what is built with them.
[ "${SANITIZE:-none}" = none ] || skip "not under sanitizers"
command -v node >/dev/null || skip "no node"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' || skip "node is older than 18"
[ -e "$tools/node_modules/node-api-headers/include/node_api.h" ] || "$top/scripts/node-tools" base ||
    skip "no node-api-headers in $tools: run scripts/node-tools"

# Tests that run side by side build it once; $LIBMIGRATE_NODE_ADDON is one that was built elsewhere.
out=$BUILD_ROOT/node
build() {
    newest=$(find "$here/../src" "$here/../build.sh" "$top/include" "$BUILD_ROOT/lib" \( -name '*.[ch]' -o -name '*.sh' \
        -o -name 'libmigrate*.so.0' \) ! -type d -newer "$out/libmigrate.node" 2>/dev/null | head -n 1)
    [ -e "$out/libmigrate.node" ] && [ -z "$newest" ] ||
        "$here/../build.sh" -o "$out" -b "$BUILD_ROOT/lib" -n "$tools/node_modules/node-api-headers/include"
}
if [ -z "${LIBMIGRATE_NODE_ADDON:-}" ]; then
    mkdir -p "$out"
    exec 9>"$out.lock"
    flock 9
    build
    exec 9>&-
    LIBMIGRATE_NODE_ADDON=$out/libmigrate.node
fi
LIBMIGRATE_NODE_TOOLS=$tools
LIBMIGRATE_TSC=$tools/node_modules/typescript/lib/tsc.js
export LIBMIGRATE_NODE_ADDON LIBMIGRATE_NODE_TOOLS LIBMIGRATE_TSC
unset DATABASE_URL MIGRATE_DATABASE_URL MIGRATE_SOURCE UV_THREADPOOL_SIZE NODE_OPTIONS || true

versions() {
    ran=0
    for node in "$top"/.cache/node-[0-9]*/node_modules/node-linux-*/bin/node; do
        [ -x "$node" ] || continue
        echo "Node $("$node" --version)"
        "$node" --test "$here"/calls.test.js "$here"/code.test.js "$here"/running.test.js
        ran=$((ran + 1))
    done
    [ "$ran" -gt 0 ] || skip "no other Node in .cache: run scripts/node-tools"
}

case $1 in
sqlite)
    set -- "$here"/*.test.js
    exec node --test $(for file; do case $file in */servers.*|*/servers-*|*/package.*) ;; *) echo "$file" ;; esac done) ;;
servers) exec node --test "$here"/servers*.test.js ;;
versions) versions ;;
package) exec node --test "$here"/package.test.js ;;
kills) exec node "$here"/kill_any.js ;;
*) exit 2 ;;
esac
