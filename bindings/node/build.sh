#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the addon with a C compiler alone:
#
#   build.sh [-o OUT] [-b BUILD] [-n HEADERS]
#
# OUT      where libmigrate.node and lib/ go (default: build/PLATFORM-ARCH beside this script)
# BUILD    a meson build folder of libmigrate; without it pkg-config finds the installed library
# HEADERS  the include folder of npm's node-api-headers (default: fetched into node_modules by npm)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out= build= headers=
while getopts o:b:n: option; do
    case $option in
    o) out=$OPTARG ;;
    b) build=$OPTARG ;;
    n) headers=$OPTARG ;;
    *) exit 2 ;;
    esac
done
[ -n "$out" ] || out=$here/build/$(node -p 'process.platform + "-" + process.arch')
if [ -z "$headers" ]; then
    headers=$here/node_modules/node-api-headers/include
    [ -e "$headers/node_api.h" ] || (cd "$here" && npm install --no-save --ignore-scripts node-api-headers >/dev/null)
fi
mkdir -p "$out/lib"

if [ -n "$build" ]; then
    cflags="-I$here/../../include"
    cp -L "$build/lib/libmigrate.so.0" "$out/lib/"
    for file in "$build"/lib/drivers/*/libmigrate-*.so.0 "$build"/lib/aws/libmigrate-aws.so.0; do
        [ ! -e "$file" ] || cp -L "$file" "$out/lib/"
    done
    libs="$out/lib/libmigrate.so.0"
    aws=
    [ ! -e "$out/lib/libmigrate-aws.so.0" ] || aws="$out/lib/libmigrate-aws.so.0"
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
[ -z "$aws" ] || compile libmigrate-lambda.node "$here"/src/lambda/lambda.c "$here"/src/values.c "$here"/src/texts.c $libs $aws
