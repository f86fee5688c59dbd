#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The client is killed $KILLS times (500), at every boundary and at random.
exec "$(dirname "$0")/kills.py" --engine mariadb --kill-at "$1/tests/torture/kill_at" --kills "${KILLS:-500}"
