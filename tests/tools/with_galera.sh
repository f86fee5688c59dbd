#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a test with a Galera cluster of two nodes of Debian's MariaDB, stopped and removed at its end:
#
#   with_galera.sh COMMAND [ARGUMENT]...
#
# The command finds what with_mysql.sh tells, of the first node, and the second node in MYSQL_PORT_2. Exit 77 when it is
# not installed: skipped.
set -eu
tools=$(cd "$(dirname "$0")" && pwd)
provider=
for p in /usr/lib/galera/libgalera_smm.so /usr/lib64/galera-4/libgalera_smm.so; do
    [ ! -e "$p" ] || provider=$p
done
[ -n "$provider" ] || { echo "skipped: galera-4 is not installed" >&2; exit 77; }
command -v rsync >/dev/null 2>&1 || { echo "skipped: rsync is not installed" >&2; exit 77; }

free_ports() {
    python3 -c 'import socket
held = [socket.socket() for _ in range(8)]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])'
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/migrate-galera.XXXXXX")
chmod 755 "$scratch"
cleanup() {
    trap '' INT TERM
    for d in "$scratch"/*/; do
        [ ! -e "$d/pid" ] || "$tools/mysql_server.sh" stop "$d" kill || true
    done
    rm -rf "$scratch"
}
[ -n "${KEEP:-}" ] || trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck disable=SC2046
set -- $(free_ports) -- "$@"
p1=$1 g1=$2 i1=$3 s1=$4 p2=$5 g2=$6 i2=$7 s2=$8
shift 9

node() { # NAME PORT GROUP_PORT IST_PORT SST_PORT CLUSTER
    "$tools/mysql_server.sh" start mariadb "$scratch/$1" "$2" --wsrep-on=ON --wsrep-provider="$provider" \
        --wsrep-cluster-name=test --wsrep-cluster-address="gcomm://$6" --wsrep-node-name="$1" --wsrep-node-address="127.0.0.1:$3" \
        --wsrep-provider-options="base_host=127.0.0.1;base_port=$3;gmcast.listen_addr=tcp://127.0.0.1:$3;ist.recv_addr=127.0.0.1:$4" \
        --wsrep-sst-method=rsync --wsrep-sst-receive-address="127.0.0.1:$5" --wsrep-sst-auth=root: \
        --binlog-format=ROW --innodb-autoinc-lock-mode=2 --innodb-flush-log-at-trx-commit=2
}
# The state is transferred by rsync, whose server gives up the rights of root.
if [ "$(id -u)" = 0 ]; then
    MYSQL_RUN_AS=mysql
    export MYSQL_RUN_AS
fi
for n in one two; do
    "$tools/mysql_server.sh" start mariadb "$scratch/$n" "$p1"
    "$tools/mysql_server.sh" stop "$scratch/$n"
done
node one "$p1" "$g1" "$i1" "$s1" ''
node two "$p2" "$g2" "$i2" "$s2" "127.0.0.1:$g1"

MYSQL_KIND=mariadb MYSQL_DIR=$scratch/one MYSQL_PORT=$p1 MYSQL_PORT_2=$p2 MYSQL_URL=mysql://root@127.0.0.1:$p1
MYSQL_TOOLS=$tools MYSQL_SCRATCH=$scratch HOME=$scratch
export MYSQL_KIND MYSQL_DIR MYSQL_PORT MYSQL_PORT_2 MYSQL_URL MYSQL_TOOLS MYSQL_SCRATCH HOME
"$@"
