#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A MariaDB or MySQL server of the tests' own, on 127.0.0.1 and a socket in its directory.
#
#   mysql_server.sh start mariadb|mysql DIR PORT [--SETTING=VALUE]...   prints nothing; its pid is in DIR/pid
#   mysql_server.sh stop DIR [kill]
#   mysql_server.sh sql DIR [FILE]       runs SQL from standard input, or FILE, as root; rows on standard output
#
# MariaDB is the system's, or that of a Debian tree in MARIADB_ROOT. MySQL is that of a Debian tree in MYSQL_ROOT
# (scripts/mysql-root makes one; its place in the checkout's .cache is the default). Programs of a tree run with its own
# loader and libraries; nothing is mounted and no chroot is entered. Run by root the server runs as root, or as the
# user that MYSQL_RUN_AS names. Exit 77: not installed, which a test tells as
# skipped. User root has no password from 127.0.0.1 and the socket.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

skip() {
    echo "skipped: $1" >&2
    exit 77
}

# Sets run, base and the settings that say where the server's files are.
find_server() {
    tree=
    case $1 in
    mysql) tree=${MYSQL_ROOT:-$here/../../.cache/mysql-root} ;;
    mariadb) tree=${MARIADB_ROOT:-} ;;
    *) echo "unknown server: $1" >&2; exit 2 ;;
    esac
    if [ -n "$tree" ]; then
        [ -e "$tree/usr/sbin" ] || skip "no $1 server in $tree"
        tree=$(cd "$tree" && pwd)
    fi
    name=mysqld
    [ "$1" = mysql ] || name=mariadbd
    server=$tree/usr/sbin/$name
    [ -x "$server" ] || skip "no $1 server is installed"
    run=
    if [ -n "$tree" ]; then
        libs=$(dirname "$(ls "$tree"/usr/lib/*-linux-gnu*/libc.so.6 | head -n 1)")
        run="$(ls "$libs"/ld-linux*.so.* | head -n 1) --library-path $libs"
        plugins=$(ls -d "$tree"/usr/lib/mysql/plugin "$libs"/mariadb*/plugin 2>/dev/null | head -n 1)
    fi
}

quiet_settings() {
    echo "--no-defaults --user=${MYSQL_RUN_AS:-$(id -un)} --datadir=$dir/data --tmpdir=$dir --skip-name-resolve"
    [ -z "$tree" ] || echo "--lc-messages-dir=$tree/usr/share/$1 --plugin-dir=$plugins"
    [ "$1" = mysql ] || [ -z "$tree" ] || echo "--character-sets-dir=$tree/usr/share/mariadb/charsets"
}

create() {
    # What can only be said when a server is made.
    names=
    for s in "$@"; do
        case $s in --lower-case-table-names=*) names=$s ;; esac
    done
    mkdir -p "$dir"
    chmod 755 "$dir"
    if [ "$kind" = mysql ]; then
        # shellcheck disable=SC2046,SC2086
        $run "$server" $(quiet_settings mysql) $names --initialize-insecure >"$dir/init.log" 2>&1 && return
    else
        scripts=$tree/usr/share/mysql
        [ -e "$scripts/mariadb_system_tables.sql" ] || [ ! -e "$tree/usr/share/mariadb/mariadb_system_tables.sql" ] ||
            scripts=$tree/usr/share/mariadb
        [ -e "$scripts/mariadb_system_tables.sql" ] || [ ! -e "$scripts/mysql_system_tables.sql" ] || old=1
        mkdir -p "$dir/data/mysql"
        [ -z "${MYSQL_RUN_AS:-}" ] || chown -R "$MYSQL_RUN_AS" "$dir/data"
        prefix=mariadb
        [ -z "${old:-}" ] || prefix=mysql
        # shellcheck disable=SC2046,SC2086
        {
            printf '%s;\n' 'CREATE DATABASE IF NOT EXISTS mysql' 'USE mysql' 'SET @auth_root_socket=NULL'
            cat "$scripts/${prefix}_system_tables.sql" "$scripts/${prefix}_performance_tables.sql" \
                "$scripts/${prefix}_system_tables_data.sql"
        } | sed '/@current_hostname/d' | $run "$server" $(quiet_settings mariadb) --bootstrap --silent-startup --skip-grant-tables \
            >"$dir/init.log" 2>&1 && return
    fi
    cat "$dir/init.log" >&2
    exit 1
}

client() {
    for c in mariadb mysql; do
        if command -v $c >/dev/null 2>&1; then
            command $c --no-defaults -uroot -S "$dir/sock" --batch --skip-column-names --default-character-set=utf8mb4 "$@"
            return
        fi
    done
    skip "no mysql client is installed"
}

start() {
    kind=$1
    dir=$2
    port=$3
    shift 3
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ -z "${MYSQL_RUN_AS:-}" ] || chown -R "$MYSQL_RUN_AS" "$dir"
    find_server "$kind"
    echo "$kind" >"$dir/kind"
    [ -e "$dir/data/ibdata1" ] || create "$@"
    rm -f "$dir/sock"
    case $kind in
    mysql) set -- --mysqlx=OFF --secure-file-priv=NULL "$@" ;;
    mariadb) set -- --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci "$@" ;; # as Debian's
    esac
    # shellcheck disable=SC2046,SC2086
    setsid $run "$server" $(quiet_settings "$kind") --socket="$dir/sock" --pid-file="$dir/server.pid" --port="$port" \
        --bind-address=127.0.0.1 --innodb-buffer-pool-size=64M --max-connections=200 "$@" >>"$dir/log" 2>&1 </dev/null &
    pid=$!
    echo "$pid" >"$dir/pid"
    n=0
    while ! echo 'SELECT 1' | client >/dev/null 2>&1; do
        n=$((n + 1))
        if [ $n -gt 600 ] || ! kill -0 "$pid" 2>/dev/null; then
            tail -20 "$dir/log" >&2 || true
            echo "the server did not start" >&2
            exit 1
        fi
        sleep 0.05
    done
    # Log-in over TCP as from the socket.
    [ -e "$dir/made" ] || {
        client <<EOF
CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
EOF
        : >"$dir/made"
    }
}

stop() {
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    [ -n "$pid" ] || return 0
    kill -CONT "$pid" 2>/dev/null || true
    if [ "${1:-}" = kill ]; then kill -KILL "$pid" 2>/dev/null || true; else kill -TERM "$pid" 2>/dev/null || true; fi
    n=0
    while kill -0 "$pid" 2>/dev/null; do
        n=$((n + 1))
        [ $n -lt 400 ] || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.05
    done
    rm -f "$dir/pid"
}

action=${1:?action}
shift
case $action in
start) start "$@" ;;
stop) dir=$(cd "$1" && pwd); stop "${2:-}" ;;
sql) dir=$(cd "$1" && pwd); shift; if [ $# -gt 0 ]; then client <"$1"; else client; fi ;;
*) echo "unknown action: $action" >&2; exit 2 ;;
esac
