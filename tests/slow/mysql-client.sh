#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The driver with Oracle's libmysqlclient instead of MariaDB's library, on both servers, and some kills. Builds in
# build-mysqlclient, with the loader and libraries of the tree that scripts/mysql-root makes.
set -u
cd "$(dirname "$0")/../.." || exit 2
scripts/mysql-root >/dev/null || exit $?
build=$PWD/build-mysqlclient
if [ ! -f "$build/build.ninja" ]; then
    "${MESON:-meson}" setup "$build" --native-file .cache/mysql-client/native.ini -Dmysql_client=mysqlclient -Dpostgres=disabled \
        >"$build.log" 2>&1 || { tail -n 20 "$build.log"; exit 1; }
    rm -f "$build.log"
fi
ninja -C "$build" >"$build/build.log" 2>&1 || { tail -n 40 "$build/build.log"; exit 1; }
failed=0
for kind in mysql mariadb; do
    tests/tools/mysql_at_length.sh $kind some "$build" || failed=1
done
for engine in mysql97 mariadb; do
    tests/torture/kills.py --engine $engine --kill-at "$build/tests/torture/kill_at" --kills "${KILLS:-50}" || failed=1
done
exit $failed
