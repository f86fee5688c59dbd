#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs tests of the Python package against the libraries of a build folder ($BUILD_ROOT):
#
#   run.sh sqlite          all but the servers', with the Python of .cache/python
#   run.sh servers         those that need the server this was started under
#   run.sh versions        the SQLite part with every other Python of 3.9 and later, of pyenv or in /usr/bin
#
# Further arguments go to pytest. What takes long is left out unless $SLOW is set; $LIBRARIES is a folder of other
# libraries. Exit 77, skipped, when there is no pytest; scripts/python-tools installs it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
tools=$root/.cache/python

# A Python without the sanitizers' run time cannot load what is built with them.
[ "${SANITIZE:-none}" = none ] || { echo "not under sanitizers"; exit 77; }

scratch=$(mktemp -d "${TMPDIR:-/tmp}/migrate-python.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# One folder with all libraries, as they are installed.
mkdir "$scratch/lib"
find "${LIBRARIES:-$BUILD_ROOT/lib}" -name 'libmigrate*.so.0' ! -type d -exec ln -s {} "$scratch/lib/" \;
LIBMIGRATE_LIBRARY=$scratch/lib
PYTHONPATH=$root/bindings/python
PYTHONDONTWRITEBYTECODE=1
PYTHONFAULTHANDLER=1
export LIBMIGRATE_LIBRARY PYTHONPATH PYTHONDONTWRITEBYTECODE PYTHONFAULTHANDLER

version_of() { "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])'; }
has_pytest() { "$1" -c 'import pytest' 2>/dev/null; }

run() { # PYTHON ARGUMENT...
    python=$1
    shift
    set -- "$python" -m pytest -q -rs -p no:cacheprovider --rootdir "$root/bindings/python" \
        --basetemp "$scratch/tests" "$@"
    if [ -n "${SLOW:-}" ]; then
        "$@"
    else
        "$@" -m "not slow"
    fi
}

versions() {
    known=$(version_of "$tools/bin/python" 2>/dev/null || true)
    ran=0
    for python in "${HOME:-/root}"/.pyenv/versions/3.*/bin/python /usr/bin/python3; do
        [ -x "$python" ] || continue
        "$python" -c 'import sys, sqlite3, ctypes, venv; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || continue
        name=$(version_of "$python")
        case " $known " in *" $name "*) continue ;; esac
        known="$known $name"
        own=$root/.cache/python-$name/bin/python
        if ! has_pytest "$own"; then
            echo "skipped: Python $name: no pytest for it in .cache/python-$name"
            continue
        fi
        echo "Python $name"
        if [ -n "${SLOW:-}" ]; then
            run "$own" "$here" --ignore "$here/test_servers.py" "$@"
        else
            run "$own" "$here/test_calls.py" "$here/test_code.py" "$here/test_garbage.py" "$@"
        fi
        ran=$((ran + 1))
    done
    [ "$ran" -gt 0 ] || { echo "no Python with pytest but the one that runs all tests"; exit 77; }
}

kind=$1
shift
case $kind in
sqlite | servers)
    python=$tools/bin/python
    has_pytest "$python" || { echo "no pytest in $tools: run scripts/python-tools"; exit 77; }
    if [ "$kind" = sqlite ]; then
        run "$python" "$here" --ignore "$here/test_servers.py" "$@"
    else
        run "$python" "$here/test_servers.py" "$@"
    fi
    ;;
versions) versions "$@" ;;
*) exit 2 ;;
esac
