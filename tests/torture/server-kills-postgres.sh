#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The server is killed $SERVER_KILLS times (100) in the middle of a run.
exec "$(dirname "$0")/kills.py" --engine postgres --kill-at "$1/tests/torture/kill_at" --servers "${SERVER_KILLS:-100}"
