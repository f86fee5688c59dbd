#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# MySQL at length, as mariadb.sh: mysql.sh BUILD
cd "$(dirname "$0")/../.." || exit 2
scripts/mysql-root >/dev/null || exit $?
exec tests/tools/mysql_at_length.sh mysql all "$1"
