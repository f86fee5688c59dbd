#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a Python test of the Data API with a PostgreSQL and a MariaDB server of its own, or with the one that
# DATA_API_ENGINE names. Exit 77 where something is not installed: skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=$here/../../.cache/data-api-venv/bin/python
[ -x "$python" ] || { echo "skipped: no psycopg, PyMySQL and boto3; scripts/data-api-tools installs them" >&2; exit 77; }
export PYTHONDONTWRITEBYTECODE=1
case ${DATA_API_ENGINE:-} in
postgres) exec "$here/../tools/with_pg.sh" "$python" "$@" ;;
mariadb) exec "$here/../tools/with_mysql.sh" -f mariadb "$python" "$@" ;;
esac
exec "$here/../tools/with_pg.sh" "$here/../tools/with_mysql.sh" -f mariadb "$python" "$@"
