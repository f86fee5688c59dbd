#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Node package as it is published, with one library inside that stands on an old C library:
#
#   node.sh BUILD-FOLDER
#
# installed without a compiler under Node 18, 20, 22 and 24; its tests on every server and of every version; the function's
# own tests against its handler, under a double of the managed runtime; and aws-lambda-ric under Amazon's emulator.
set -u
cd "$(dirname "$0")/../.."
. scripts/machine.sh
BUILD_ROOT=$(cd "${1:?build folder}" && pwd)
export BUILD_ROOT PYTHONDONTWRITEBYTECODE=1
failed=0
part() { # NAME COMMAND...: one of the parts; a skip is said and is no failure
    local name=$1 code=0
    shift
    echo "== $name"
    "$@" || code=$?
    case $code in
    0) ;;
    77) echo "skipped: $name" ;;
    *) echo "failed: $name"; failed=1 ;;
    esac
}

command -v node >/dev/null 2>&1 || { echo "skipped: no node"; exit 77; }
scripts/node-tools || echo "some parts say skipped"
case $(uname -m) in
x86_64) machine=x64 target=x86_64-linux-gnu.2.17 ;;
aarch64) machine=arm64 target=aarch64-linux-gnu.2.17 ;;
*) echo "skipped: no package for $(uname -m)"; exit 77 ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run=bindings/node/test/run.sh

# ---- the package ---------------------------------------------------------------------

old_glibc() { # FILE...: needs nothing of a C library younger than 2.17
    local file newest
    for file; do
        newest=$(objdump -T "$file" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
        [ "$(printf '%s\nGLIBC_2.17\n' "$newest" | sort -V | tail -n 1)" = GLIBC_2.17 ] ||
            { echo "$file needs $newest"; return 1; }
        [ -z "$(readelf -d "$file" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -Ev '^(libc|libm|libdl|libpthread|libmigrate)\.so')" ] ||
            { readelf -d "$file"; return 1; }
    done
}

make_package() {
    local bundle deps
    bundle=$(scripts/bundle-library "$target") || return
    deps=$(scripts/static-deps "$target") || return
    LIBMIGRATE_TARBALL=$(scripts/npm-package -o "$scratch" "linux-$machine=$bundle,$deps/bin/cc") || return
    tar -xzf "$LIBMIGRATE_TARBALL" -C "$scratch"
    addons=$scratch/package/build/linux-$machine
    old_glibc "$addons"/*.node "$addons"/lib/*.so.0
}
install_everywhere() {
    local node
    for node in "$(command -v node)" .cache/node-[0-9]*/node_modules/node-linux-*/bin/node; do
        [ -x "$node" ] || continue
        echo "Node $("$node" --version)"
        PATH=$(dirname "$(readlink -f "$node")"):$PATH LIBMIGRATE_TARBALL=$LIBMIGRATE_TARBALL $run package || return
    done
}
LIBMIGRATE_TARBALL='' addons=''
part "the package" make_package
if [ -n "$addons" ]; then
    part "installed without a compiler" install_everywhere
    export LIBMIGRATE_NODE_ADDON=$addons/libmigrate.node # what follows is about what is published
fi

# ---- the tests, on every server ------------------------------------------------------

part "SQLite" $run sqlite
part "PostgreSQL" tests/tools/with_pg.sh $run servers
part "MariaDB" tests/tools/with_mysql.sh mariadb $run servers
part "Oracle MySQL" tests/tools/with_mysql.sh mysql $run servers
part "other versions of Node" $run versions
part "killed at any time, PostgreSQL" tests/tools/with_pg.sh $run kills
part "killed at any time, MariaDB" tests/tools/with_mysql.sh mariadb $run kills
part "killed at any time, SQLite" $run kills

# ---- the Lambda handler --------------------------------------------------------------

lambda=${LIBMIGRATE_NODE_ADDON:-$BUILD_ROOT/node/libmigrate.node}
cat >"$scratch/bootstrap" <<END
#!/bin/sh
export LIBMIGRATE_NODE_ADDON=$lambda
exec $(command -v node) $PWD/bindings/node/test/runtime.js
END
chmod +x "$scratch/bootstrap"

# What the managed runtime does itself is not our affair there: it reads the JSON of events, logs, starts and ends.
managed() { # TOPIC EXCLUDED...
    local topic=$1 names
    shift
    names=$(sed -n 's/^def \(test_[a-z0-9_]*\).*/\1/p' "tests/lambda/test_$topic.py" | grep -vxF "$(printf '%s\n' "$@")")
    # shellcheck disable=SC2086
    BOOTSTRAP=$scratch/bootstrap SOURCE_ROOT=$PWD python3 "tests/lambda/test_$topic.py" $names
}
if [ -e "$(dirname "$lambda")/libmigrate-lambda.node" ]; then
    part "the function: direct" managed direct test_malformed test_status_codes test_told_to_end test_logs \
        test_environment_that_cannot_be_used test_nothing_is_opened_before_an_invocation
    part "the function: batches and queues" managed batch -
    part "the function: CloudFormation and the CDK" managed stack test_nobody_to_answer
    part "the systems of examples/aws" tests/tools/with_pg.sh env BOOTSTRAP="$scratch/bootstrap" SOURCE_ROOT="$PWD" \
        python3 tests/lambda/test_examples.py
    part "aws-lambda-ric under the emulator" env LIBMIGRATE_NODE_ADDON="$lambda" python3 bindings/node/test/ric.py
else
    echo "skipped: the function: built without libmigrate-aws"
fi
exit $failed
