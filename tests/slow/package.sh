#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The packages for Lambda: their sizes, and each unpacked into a root without any system file, as a function and as the
# command line, on SQLite, on PostgreSQL with a verified certificate, on MySQL with caching_sha2_password over TLS.
# x86_64 runs as it is, arm64 by qemu-user-static. Then the layers, with Python's and Node's handler.
# The static libraries are made once, in .cache/static.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/machine.sh

# A server of PostgreSQL lets roles in by TLS and password alone; its superuser needs none.
secure_postgres() {
    local data=$PG_DIR/data
    cp "$TLS/server.pem" "$TLS/server.key" "$data/"
    chmod 600 "$data/server.key"
    chown --reference="$data/PG_VERSION" "$data/server.pem" "$data/server.key"
    printf 'local all postgres trust\nhost all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n' \
        >"$data/pg_hba.conf"
    psql -q "$PG_URL" -c "ALTER SYSTEM SET ssl_cert_file = 'server.pem'" -c "ALTER SYSTEM SET ssl_key_file = 'server.key'" \
        -c 'ALTER SYSTEM SET ssl = on' -c 'SELECT pg_reload_conf()' >/dev/null
}

run_all() { # TOPIC...
    local arch
    for arch in x86_64 arm64; do
        echo "$arch: $*"
        QEMU=$([ "$arch" = x86_64 ] || command -v qemu-aarch64-static) \
            python3 tests/lambda/package_test.py "$PACKAGES/libmigrate-lambda-$arch.zip" "$arch" "$@"
    done
}

# The layer's folder is what Lambda shows as /opt; the variables are those that Lambda sets.
handle_by_layer() { # NAME COMMAND...
    local name=$1 said
    shift
    said=$(env -i PATH="$PATH" LD_LIBRARY_PATH="$scratch/opt/lib" PYTHONPATH="$scratch/opt/python" \
        NODE_PATH="$scratch/opt/nodejs/node_modules" MIGRATE_SOURCE="$scratch/migrations" \
        MIGRATE_DATABASE_URL="sqlite:$scratch/$name.db" "$@")
    [ "${said##*$'\n'}" = 'current 2' ] || { echo "the layer in $name says: $said"; return 1; }
    echo "ok    $name"
}

machine_of() { python3 -c 'import sys; print(open(sys.argv[1], "rb").read(20)[18])' "$1"; }

# The files of the other architecture are looked at: neither its Python nor its Node is here.
run_layers() {
    local arch file
    scripts/package-lambda -l -o "$PACKAGES"
    for arch in arm64 x86_64; do
        rm -rf "$scratch/opt"
        unzip -q -d "$scratch/opt" "$PACKAGES/libmigrate-layer-$arch.zip"
        for file in "$scratch"/opt/lib/*.so.0 "$scratch"/opt/nodejs/node_modules/libmigrate/build/linux-*/*.node; do
            [ "$(machine_of "$file")" = "$([ $arch = arm64 ] && echo 183 || echo 62)" ] ||
                { echo "$file is not for $arch"; return 1; }
        done
    done
    echo "layer"
    handle_by_layer python python3 -c 'from libmigrate.aws_lambda import handler
out = handler({}, None)
print(out["state"], out["applied"])'
    handle_by_layer node node -e 'require("libmigrate/lambda").handler({}).then((out) => console.log(out.state, out.applied))'
}

# On the server that was started for it, below.
if [ "${1:-}" = --on ]; then
    [ "$2" != postgres ] || secure_postgres
    run_all "$2"
    exit
fi

[ "$(id -u)" = 0 ] || { echo "skipped: another root is entered by root"; exit 77; }
install_packages qemu-user-static openssl postgresql postgresql-client mariadb-client debootstrap unzip python3 &&
    { command -v npm >/dev/null || install_packages nodejs npm; } ||
    { echo "skipped: packages cannot be had"; exit 77; }
machine=$(uname -m)
[ "$machine" = x86_64 ] || { echo "skipped: the servers of this test are made for x86_64"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
tests/tools/tls_files.sh "$scratch/tls"
chmod 755 "$scratch/tls"
export TLS=$scratch/tls
mkdir "$scratch/migrations"
echo 'CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(50));' >"$scratch/migrations/1_customers.sql"
printf 'CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER);\nINSERT INTO orders VALUES (1, 1);\n' \
    >"$scratch/migrations/2_orders.sql"

echo "packages"
status=0
scripts/package-lambda -m "$scratch/migrations" -c "$TLS/ca.pem" -o "$scratch/dist" || status=$?
[ $status = 0 ] || exit $status
for zip in "$scratch"/dist/*.zip; do
    # With what is trusted by default it is larger by less than this.
    [ "$(stat -c %s "$zip")" -lt 2350000 ] || { echo "$zip is too large"; exit 1; }
done

export PACKAGES=$scratch/dist
run_all files sqlite
run_layers
tests/tools/with_pg.sh tests/slow/package.sh --on postgres
skipped=
if scripts/mysql-root >/dev/null; then
    tests/tools/with_mysql.sh -f -s --ssl-ca="$TLS/ca.pem" -s --ssl-cert="$TLS/server.pem" -s --ssl-key="$TLS/server.key" mysql \
        tests/slow/package.sh --on mysql
else
    skipped=MySQL
fi
[ -z "$skipped" ] || { echo "skipped: $skipped"; exit 77; }
