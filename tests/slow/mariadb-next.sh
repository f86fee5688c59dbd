#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The MariaDB of the next Debian, from a tree of its own: mariadb-next.sh BUILD
cd "$(dirname "$0")/../.." || exit 2
root=$(scripts/mysql-root mariadb) || exit $?
MARIADB_ROOT=$root exec tests/tools/mysql_at_length.sh mariadb some "$1"
