#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a test with a MariaDB or MySQL server of its own, stopped and removed at its end:
#
#   with_mysql.sh [-f] [-s --SETTING=VALUE]... [-e NAME=VALUE]... mariadb|mysql COMMAND [ARGUMENT]...
#
# -f lets the server forget what it wrote when the machine dies, not when the server does: much faster.
# The command finds, in its environment,
#   MYSQL_KIND MYSQL_PORT MYSQL_DIR   the server
#   MYSQL_URL                         mysql://root@127.0.0.1:PORT, without a database
#   MYSQL_TOOLS                       the directory of this script
# Exit 77 when the server is not installed: skipped.
set -eu
tools=$(cd "$(dirname "$0")" && pwd)
settings= fast=
while [ $# -gt 0 ]; do
    case $1 in
    -f) fast=1; shift ;;
    -s) settings="$settings $2"; shift 2 ;;
    -e) export "$2"; shift 2 ;;
    *) break ;;
    esac
done
MYSQL_KIND=$1
shift
if [ -n "$fast" ]; then
    settings="--innodb-flush-log-at-trx-commit=2 --sync-binlog=0 $settings"
fi

free_port() {
    python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# In memory where there is room: a server's DDL is many small writes that it waits for.
room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
[ -n "${TMPDIR:-}" ] || [ "${room:-0}" -lt 2097152 ] || [ ! -w /dev/shm ] || TMPDIR=/dev/shm
scratch=$(mktemp -d "${TMPDIR:-/tmp}/migrate-my.XXXXXX")
chmod 755 "$scratch"
cleanup() {
    trap '' INT TERM
    for d in "$scratch"/*/; do
        [ ! -e "$d/pid" ] || "$tools/mysql_server.sh" stop "$d" kill || true
    done
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

MYSQL_DIR=$scratch/server
if "$tools/tls_files.sh" "$scratch/tls"; then
    settings="--ssl-ca=$scratch/tls/ca.pem --ssl-cert=$scratch/tls/server.pem --ssl-key=$scratch/tls/server.key $settings"
fi
MYSQL_PORT=$(free_port)
# shellcheck disable=SC2086
"$tools/mysql_server.sh" start "$MYSQL_KIND" "$MYSQL_DIR" "$MYSQL_PORT" $settings
MYSQL_URL=mysql://root@127.0.0.1:$MYSQL_PORT
MYSQL_TOOLS=$tools
MYSQL_SCRATCH=$scratch
export MYSQL_KIND MYSQL_DIR MYSQL_PORT MYSQL_URL MYSQL_TOOLS MYSQL_SCRATCH
# libmysqlclient loads the older ways to log in as plug-ins, which a Debian tree keeps elsewhere.
plugins=$tools/../../.cache/mysql-root/usr/lib/mysql/plugin
if [ -z "${LIBMYSQL_PLUGIN_DIR:-}" ] && [ -d "$plugins" ]; then
    LIBMYSQL_PLUGIN_DIR=$plugins
    export LIBMYSQL_PLUGIN_DIR
fi
# The tester's own ~/.my.cnf must not lead elsewhere.
HOME=$scratch
export HOME
unset MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT MYSQL_HOME || true
"$@"
