#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every fuzz target under libFuzzer with the sanitizers, side by side, ten minutes or $FUZZ_SECONDS. New inputs
# stay in build-fuzz/new/TOPIC; one that fails is told and kept as build-fuzz/TOPIC-*.
set -eu
cd "$(dirname "$0")/../.."
command -v clang >/dev/null 2>&1 || exit 77
build=$PWD/build-fuzz
seconds=${FUZZ_SECONDS:-600}
[ -f "$build/build.ninja" ] || CC=clang ${MESON:-meson} setup "$build" -Dfuzz=true \
    -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
topics=$(cd tests/fuzz && for file in fuzz_*.c; do name=${file#fuzz_}; echo "${name%.c}"; done)
for topic in $topics; do
    ninja -C "$build" "tests/fuzz/fuzz_$topic" >"$build/$topic.build" 2>&1 || { cat "$build/$topic.build"; exit 1; }
done

pids=
for topic in $topics; do
    mkdir -p "$build/new/$topic"
    dict=
    [ ! -f "tests/fuzz/$topic.dict" ] || dict="-dict=tests/fuzz/$topic.dict"
    # shellcheck disable=SC2086
    "$build/tests/fuzz/fuzz_$topic" -max_total_time="$seconds" -max_len=4096 -timeout=25 $dict \
        -artifact_prefix="$build/$topic-" "$build/new/$topic" "tests/fuzz/corpus/$topic" >"$build/$topic.log" 2>&1 &
    pids="$pids $!:$topic"
done
failed=0
for pid in $pids; do
    topic=${pid#*:}
    if wait "${pid%%:*}"; then
        echo "$topic: clean for $seconds s, $(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' "$build/$topic.log")"
    else
        echo "$topic: failed"
        tail -n 60 "$build/$topic.log"
        failed=1
    fi
done
exit "$failed"
