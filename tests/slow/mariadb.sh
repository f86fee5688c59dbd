#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# MariaDB at length: every cut, every fault at every message, many starters, 500 KILLs: mariadb.sh BUILD
exec "$(dirname "$0")/../tools/mysql_at_length.sh" mariadb all "$1"
