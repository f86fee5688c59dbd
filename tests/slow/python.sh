#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The binding of Python at length: python.sh BUILD-FOLDER
#
# All tests with every Python that is there and under every server, a kill at each step of a run; the portable wheel
# judged by auditwheel, installed where there is nothing else, and under the same tests; the function's tests with the
# handler under AWS's own runtime client and emulator.
set -u
cd "$(dirname "$0")/../.."
root=$PWD
build=$(cd "${1:?build folder}" && pwd)
tests=$root/bindings/python/tests
tools=$root/tests/tools
export BUILD_ROOT="$build" CLI_EXE="$build/tools/migrate/migrate" SOURCE_ROOT="$root" SLOW=1 PYTHONDONTWRITEBYTECODE=1
scripts/python-tools
scratch=$(mktemp -d "${TMPDIR:-/tmp}/migrate-python-slow.XXXXXX")
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
ran=0 failed=0

part() { # NAME COMMAND...
    name=$1
    shift
    echo "-- $name"
    "$@"
    case $? in
    0) ran=$((ran + 1)) ;;
    77) echo "skipped  $name" ;;
    *) echo "failed   $name"; failed=$((failed + 1)) ;;
    esac
}

servers() { # of the libraries in $LIBRARIES or of the build folder
    part "PostgreSQL$1" "$tools/with_pg.sh" "$tests/run.sh" servers
    part "MariaDB$1" "$tools/with_mysql.sh" mariadb "$tests/run.sh" servers
}

# ---- the portable wheel ------------------------------------------------------------------

make_wheels() {
    scripts/wheel --portable "$scratch/dist" x86_64 aarch64 >"$scratch/log" 2>&1
    code=$?
    [ $code -eq 0 ] || tail -n 5 "$scratch/log"
    return $code
}

judge_wheels() {
    for machine in x86_64 aarch64; do
        wheel=$(echo "$scratch/dist/"*"$machine.whl")
        python3 -m zipfile -l "$wheel" | grep -c '_lib/.*\.so' | grep -qx 1 || { echo "$wheel: not one library"; return 1; }
        "$root/.cache/python-slow/bin/auditwheel" show "$wheel" >"$scratch/log" || { cat "$scratch/log"; return 1; }
        # "constrains the platform tag to": what the libraries themselves ask for, said where it is less than the name asks.
        tr '\n' ' ' <"$scratch/log" | grep -q "platform tag\( to\|:\) \"manylinux_2_\(5\|12\|17\)_$machine" ||
            { cat "$scratch/log"; return 1; }
    done
}

# Nothing but this Python: no pip, no compiler, no library of ours elsewhere.
use_wheel() {
    python=$root/.cache/python/bin/python
    "$python" -m venv --without-pip "$scratch/empty" &&
        "$python" -m pip --python "$scratch/empty/bin/python" -q install --no-index --only-binary :all: \
            "$scratch/dist/"*"$(uname -m).whl" || return 1
    mkdir -p "$scratch/use/migrations"
    echo 'CREATE TABLE a (x INTEGER);' >"$scratch/use/migrations/1_a.sql"
    printf 'def up(execute):\n    execute("INSERT INTO a VALUES (7)")\n' >"$scratch/use/migrations/2_b.py"
    (cd "$scratch/use" && env -i PATH=/nonexistent "$scratch/empty/bin/python" -m libmigrate -d sqlite:app.db up &&
        env -i PATH=/nonexistent "$scratch/empty/bin/python" -c '
import sqlite3, sys
import libmigrate
assert sqlite3.connect("app.db").execute("SELECT x FROM a").fetchall() == [(7,)]
assert libmigrate.library_path().startswith(sys.prefix)')
}

with_wheel() {
    LIBRARIES=$(echo "$scratch"/empty/lib/python3*/site-packages/libmigrate/_lib)
    export LIBRARIES
    part "SQLite, with the wheel's library" "$tests/run.sh" sqlite
    servers ", with the wheel's library"
    unset LIBRARIES
}

# ---- the function ------------------------------------------------------------------------

# A bootstrap as the tests of the function expect one, which starts AWS's client, or the double of it that needs no event.
make_bootstrap() { # ARGUMENT... of Python
    mkdir -p "$scratch/lib" "$scratch/bin"
    find "$build/lib" -name 'libmigrate*.so.0' ! -type d -exec ln -sf {} "$scratch/lib/" \;
    cat >"$scratch/bin/bootstrap" <<END
#!/bin/sh
export PYTHONPATH=$root/bindings/python LIBMIGRATE_LIBRARY=$scratch/lib PYTHONDONTWRITEBYTECODE=1
case \${_HANDLER:-} in
*onEvent) handler=onEvent ;;
*isComplete) handler=isComplete ;;
*) handler=handler ;;
esac
exec $root/.cache/python-slow/bin/python $*
END
    chmod 755 "$scratch/bin/bootstrap"
}

function_tests() { # FILE -TEST... that are left out
    file=$1
    shift
    BOOTSTRAP=$scratch/bin/bootstrap python3 "tests/lambda/$file.py" "$@"
}

# Left out is what AWS's client does in its own way: it parses the event, writes the error's body and the log, and ends
# after an answer that came too late.
function_parts() {
    part "direct under awslambdaric" function_tests test_direct -test_no_event_is_up -test_plan_status_verify -test_failure \
        -test_status_codes -test_what_an_event_may_ask -test_malformed -test_frozen_past_the_deadline -test_told_to_end \
        -test_environment_that_cannot_be_used -test_nothing_is_opened_before_an_invocation -test_logs
    part "CloudFormation and the CDK under awslambdaric" function_tests test_stack -test_nobody_to_answer -test_frozen \
        -test_provider_fails
    part "Step Functions and SQS under awslambdaric" function_tests test_batch -test_all_failed
    make_bootstrap "$tests/runtime.py"
    part "the systems of examples/aws" "$tools/with_pg.sh" env BOOTSTRAP="$scratch/bin/bootstrap" python3 \
        tests/lambda/test_examples.py
    make_bootstrap -m awslambdaric 'libmigrate.aws_lambda.$handler'
    part "awslambdaric in the Runtime Interface Emulator" function_tests test_emulator -test_serves
}

part "SQLite" "$tests/run.sh" sqlite
part "every other Python" "$tests/run.sh" versions
servers ""
part "Oracle MySQL" "$tools/with_mysql.sh" mysql "$tests/run.sh" servers
if scripts/python-tools slow; then
    make_bootstrap -m awslambdaric 'libmigrate.aws_lambda.$handler'
    function_parts
    if part "portable wheels" make_wheels && [ -d "$scratch/dist" ]; then
        part "auditwheel" judge_wheels
        part "the wheel in an empty environment" use_wheel
        with_wheel
    fi
fi
[ "$failed" = 0 ] || exit 1
[ "$ran" -gt 0 ] || exit 77
