#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A PostgreSQL server of the tests' own, on 127.0.0.1 and a socket in its directory.
#
#   pg_server.sh start DIR PORT [SETTING=VALUE]...   prints nothing; the postmaster's pid is in DIR/pid
#   pg_server.sh stop DIR [fast|immediate]
#   pg_server.sh bouncer DIR PORT SERVER_PORT [SETTING=VALUE]...   pgbouncer in transaction mode; its pid in DIR/pid
#   pg_server.sh standby DIR PORT PRIMARY_PORT       a streaming standby of a server started here
#   pg_server.sh promote DIR
#
# PGBIN names the directory of the server's programs; without it the newest of Debian's is taken. Client programs
# that are not there are Debian's. When run by root the server runs as user postgres (or nobody), because PostgreSQL
# refuses root. Exit 77: no server is installed, which a test tells as skipped. The superuser is postgres, without a
# password from 127.0.0.1.
set -eu

bin() {
    if [ -n "${PGBIN:-}" ]; then
        echo "$PGBIN"
        return
    fi
    found=
    for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin; do
        [ -x "$d/postgres" ] && found=$d
    done
    if [ -z "$found" ] && command -v postgres >/dev/null 2>&1; then
        found=$(dirname "$(command -v postgres)")
    fi
    [ -n "$found" ] || { echo "skipped: no PostgreSQL server is installed" >&2; exit 77; }
    echo "$found"
}

# Prints where a client program is.
client() {
    for d in "$B" /usr/lib/postgresql/*/bin; do
        [ ! -x "$d/$1" ] || { echo "$d/$1"; return; }
    done
    command -v "$1" || { echo "skipped: there is no $1" >&2; exit 77; }
}

owner() {
    if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# Runs a command as the user the server runs as.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        u=$(owner)
        setpriv --reuid="$(id -u "$u")" --regid="$(id -g "$u")" --clear-groups env HOME="$dir" "$@"
    else
        "$@"
    fi
}

own() {
    mkdir -p "$1"
    if [ "$(id -u)" = 0 ]; then
        chown "$(owner)" "$1"
    fi
    chmod 755 "$1"
}

# Waits until the server takes connections, or its process is gone.
await() {
    n=0
    ready=$(client pg_isready) || exit $?
    while ! "$ready" -q -h 127.0.0.1 -p "$1" -U postgres -d postgres 2>/dev/null; do
        n=$((n + 1))
        if [ $n -gt 600 ] || ! kill -0 "$2" 2>/dev/null; then
            tail -5 "$dir/log" >&2 || true
            echo "the server did not start" >&2
            exit 1
        fi
        sleep 0.05
    done
}

launch() { # port settings…
    port=$1
    shift
    set -- -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$dir" \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB \
        -c max_connections=150 -c log_min_messages=log "$@"
    u=$(owner)
    old=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null || true)
    [ -z "$old" ] || kill -0 "$old" 2>/dev/null || rm -f "$dir/data/postmaster.pid"
    if [ "$(id -u)" = 0 ]; then
        setsid setpriv --reuid="$(id -u "$u")" --regid="$(id -g "$u")" --clear-groups \
            env -i PATH="$PATH" LC_ALL=C.UTF-8 "$B/postgres" "$@" >>"$dir/log" 2>&1 </dev/null &
    else
        setsid env -i PATH="$PATH" LC_ALL=C.UTF-8 "$B/postgres" "$@" >>"$dir/log" 2>&1 </dev/null &
    fi
    pid=$!
    n=0
    until [ -s "$dir/data/postmaster.pid" ] || [ $n -gt 200 ]; do
        n=$((n + 1))
        sleep 0.02
    done
    pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null || echo $pid)
    echo "$pid" >"$dir/pid"
    await "$port" "$pid"
}

settings() {
    for s in "$@"; do
        printf -- '-c\n%s\n' "$s"
    done
}

start() {
    port=$1
    shift
    own "$dir"
    if [ ! -e "$dir/data/PG_VERSION" ]; then
        as_owner env -i PATH="$PATH" LC_ALL=C.UTF-8 "$B/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 -N >"$dir/initdb.log" 2>&1 ||
            { cat "$dir/initdb.log" >&2; exit 1; }
    fi
    old=$IFS
    IFS='
'
    # shellcheck disable=SC2046
    launch "$port" $(settings "$@")
    IFS=$old
}

stop() {
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    [ -n "$pid" ] || return 0
    case ${1:-fast} in
    immediate) signal=QUIT ;;
    kill) signal=KILL ;;
    *) signal=INT ;;
    esac
    [ ! -e "$dir/bouncer.ini" ] || [ $signal = KILL ] || signal=TERM
    kill -CONT "$pid" 2>/dev/null || true
    children=
    [ $signal != KILL ] || children=$(pgrep -P "$pid" || true)
    # shellcheck disable=SC2086
    kill -$signal "$pid" $children 2>/dev/null || true
    n=0
    while kill -0 "$pid" 2>/dev/null && [ $n -lt 400 ]; do
        n=$((n + 1))
        sleep 0.05
    done
    rm -f "$dir/pid"
}

bouncer() {
    command -v pgbouncer >/dev/null 2>&1 || { echo "skipped: pgbouncer is not installed" >&2; exit 77; }
    port=$1
    server=$2
    shift 2
    own "$dir"
    echo '"postgres" ""' >"$dir/users.txt"
    {
        echo '[databases]'
        echo "* = host=127.0.0.1 port=$server"
        echo '[pgbouncer]'
        echo 'listen_addr = 127.0.0.1'
        echo "listen_port = $port"
        echo 'unix_socket_dir ='
        echo 'auth_type = any'
        echo "auth_file = $dir/users.txt"
        echo 'pool_mode = transaction'
        echo 'default_pool_size = 20'
        echo 'max_client_conn = 200'
        echo "logfile = $dir/bouncer.log"
        echo "pidfile = $dir/bouncer.pid"
        for s in "$@"; do echo "$s"; done
    } >"$dir/bouncer.ini"
    sed -i "s/^\* = host.*/& user=postgres/" "$dir/bouncer.ini"
    [ "$(id -u)" != 0 ] || chown "$(owner)" "$dir"/*
    (
        exec >"$dir/log" 2>&1 </dev/null
        as_owner setsid pgbouncer "$dir/bouncer.ini"
    ) &
    await "$port" "$!"
    cp "$dir/bouncer.pid" "$dir/pid"
}

standby() {
    port=$1
    primary=$2
    own "$dir"
    copy=$(client pg_basebackup) || exit $?
    as_owner "$copy" -h 127.0.0.1 -p "$primary" -U postgres -D "$dir/data" -R -X stream -c fast >"$dir/basebackup.log" 2>&1 ||
        { cat "$dir/basebackup.log" >&2; exit 1; }
    launch "$port"
}

action=${1:?action}
dir=${2:?directory}
shift 2
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
B=$(bin) || exit $?
case $action in
start) start "$@" ;;
stop) stop "$@" ;;
bouncer) bouncer "$@" ;;
standby) standby "$@" ;;
promote) as_owner "$B/pg_ctl" -D "$dir/data" promote -w >/dev/null ;;
*)
    echo "unknown action: $action" >&2
    exit 2
    ;;
esac
