#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# At least $CLIENT_KILLS (50) kills of the client and $SERVER_KILLS (20) of the server in each phase of a migration.
exec "$(dirname "$0")/phases_mysql.py" --engine mariadb --kill-at "$1/tests/torture/kill_at" --clients "${CLIENT_KILLS:-50}" \
    --servers "${SERVER_KILLS:-20}"
