#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions of at most 80 lines, half of them under 16; files of at most 500; lines of at most 140 columns; the
licence on top."""

import shutil
import statistics
import subprocess

import house

LONGEST_FUNCTION, MEDIAN_FUNCTION, LONGEST_FILE, LONGEST_LINE = 80, 16, 500, 140
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def functions(ctags, paths):
    """(path, name, first line, lines) of every function."""
    run = subprocess.run([ctags, "-x", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+ne",
                          "--_xformat=%F\t%N\t%n\t%e", *paths],
                         cwd=house.ROOT, capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        path, name, first, last = line.split("\t")
        if last.isdigit():
            yield path, name, int(first), int(last) - int(first) + 1


def check_file(path):
    text = house.read(path)
    lines = text.split("\n")
    if not text.startswith(LICENCE):
        yield f"{path}:1: the licence line is missing"
    if len(lines) - 1 > LONGEST_FILE:
        yield f"{path}: {len(lines) - 1} lines, at most {LONGEST_FILE} are allowed: split it by idea"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield f"{path}: does not end in exactly one line end"
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            yield f"{path}:{number}: {len(line)} columns"
        if line != line.rstrip() or "\t" in line:
            yield f"{path}:{number}: a tab, or blanks at the end"


def main():
    paths = house.sources("lib", "tools")
    findings = [f for path in paths + house.sources("include", "examples") for f in check_file(path)]
    ctags = shutil.which("ctags-universal") or shutil.which("ctags")
    version = subprocess.run([ctags, "--version"], capture_output=True, text=True).stdout if ctags else ""
    if "Universal Ctags" not in version:
        if findings:
            house.verdict(findings, "sizes")
        house.skip("universal-ctags is missing: the length of functions was not looked at")
    found = list(functions(ctags, paths))
    findings += [f"{path}:{first}: {name}() has {n} lines, at most {LONGEST_FUNCTION} are allowed"
                 for path, name, first, n in found if n > LONGEST_FUNCTION]
    median = statistics.median([n for _, _, _, n in found]) if found else 0
    print(f"{len(paths)} files, {len(found)} functions, median {median} lines")
    if median >= MEDIAN_FUNCTION:
        findings.append(f"the median function has {median} lines, it should be under {MEDIAN_FUNCTION}")
    house.verdict(findings, "sizes")


main()
