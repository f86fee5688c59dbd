#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the addon with a C compiler alone:
#
#   build.sh [-o OUT] [-b BUILD] [-i INCLUDE] [-n HEADERS]
#
# OUT      where libmigrate.node and lib/ go (default: build/PLATFORM-ARCH beside this script)
# BUILD    a folder with libmigrate.so.0 and its parts somewhere below it: a build folder of meson, or one with every
#          driver in the one library; without it pkg-config finds the installed library
# INCLUDE  with BUILD: where libmigrate's headers are (default: those of the tree that this script is in)
# HEADERS  the include folder of npm's node-api-headers (default: fetched into node_modules by npm)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out= build= headers= include=$here/../../include
while getopts o:b:i:n: option; do
    case $option in
    o) out=$OPTARG ;;
    b) build=$OPTARG ;;
    i) include=$OPTARG ;;
    n) headers=$OPTARG ;;
    *) exit 2 ;;
    esac
done
[ -n "$out" ] || out=$here/build/$(node -p 'process.platform + "-" + process.arch')
if [ -z "$headers" ]; then
    headers=$here/node_modules/node-api-headers/include
    [ -e "$headers/node_api.h" ] || (cd "$here" && npm install --no-save --no-package-lock --no-audit --no-fund --ignore-scripts node-api-headers >/dev/null)
fi
mkdir -p "$out/lib"

if [ -n "$build" ]; then
    cflags=-I$include
    rm -f "$out"/lib/libmigrate*.so.0
    find "$build" -path "$out" -prune -o -name 'libmigrate*.so.0' ! -type d -exec cp -L {} "$out/lib/" \;
    libs="$out/lib/libmigrate.so.0"
    [ -e "$libs" ] || { echo "build.sh: no libmigrate.so.0 below $build" >&2; exit 1; }
    aws=
    if [ -e "$out/lib/libmigrate-aws.so.0" ]; then
        aws="$out/lib/libmigrate-aws.so.0"
    elif grep -q migrate_lambda_handle "$libs"; then
        aws=$libs # all in one
    fi
else
    cflags=$(pkg-config --cflags libmigrate)
    libs=$(pkg-config --libs libmigrate)
    aws=$(pkg-config --libs libmigrate-aws 2>/dev/null || true)
fi

compile() { # NAME SOURCE... LIBRARY...
    name=$1
    shift
    # shellcheck disable=SC2016,SC2086
    "${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -g -fPIC -shared -fvisibility=hidden -Wall -Wextra -Wshadow \
        -Wstrict-prototypes -Wmissing-prototypes ${CFLAGS-} -isystem "$headers" $cflags -o "$out/$name.new" \
        "$@" -ldl -pthread '-Wl,-rpath,$ORIGIN/lib' -Wl,--as-needed
    mv "$out/$name.new" "$out/$name"
}

# shellcheck disable=SC2086
compile libmigrate.node "$here"/src/*.c $libs
# shellcheck disable=SC2086
[ -z "$aws" ] || compile libmigrate-lambda.node "$here"/src/lambda/lambda.c "$here"/src/values.c "$here"/src/texts.c \
    "$here"/src/library.c $libs $aws
