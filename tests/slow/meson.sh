#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the slow suite: meson.sh BUILD
exec meson test -C "$1" --no-rebuild --print-errorlogs --suite slow --num-processes 1
