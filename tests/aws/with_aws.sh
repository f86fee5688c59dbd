#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a test by the Python that has moto and botocore: scripts/aws-tools makes it. Exit 77 where there is none: skipped.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${AWS_TEST_PYTHON:-$root/.cache/aws-venv/bin/python}
[ -x "$python" ] || { echo "skipped: no moto and botocore; scripts/aws-tools installs them" >&2; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
exec "$python" "$@"
