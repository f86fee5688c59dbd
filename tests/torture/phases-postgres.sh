#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The client is killed at every message and $PHASE_KILLS times (50) in each phase, with each lock.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?build folder}" && pwd)
export CLI_EXE="$build/tools/migrate/migrate" PROXY_EXE="$build/tests/tools/proxy" PYTHONDONTWRITEBYTECODE=1
exec "$here/../tools/with_pg.sh" -b python3 "$here/postgres_phases.py"
