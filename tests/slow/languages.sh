#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples of every language, with their tools installed first: languages.sh BUILD. What cannot be installed says
# skipped.
set -u
cd "$(dirname "$0")/../.." || exit 2
. scripts/machine.sh
tools=
command -v g++ >/dev/null 2>&1 || tools="$tools g++"
command -v clang++ >/dev/null 2>&1 || tools="$tools clang"
command -v cmake >/dev/null 2>&1 || tools="$tools cmake"
command -v go >/dev/null 2>&1 || tools="$tools golang-go"
command -v cargo >/dev/null 2>&1 || tools="$tools cargo"
command -v javac >/dev/null 2>&1 || tools="$tools default-jdk-headless"
[ -e /usr/share/java/jna.jar ] || tools="$tools libjna-java"
# shellcheck disable=SC2086
install_packages $tools || echo "some languages say skipped"
choose_tools
exec "$MESON" test -C "$1" --no-rebuild --print-errorlogs language-cpp language-cmake language-go language-rust \
    language-java
