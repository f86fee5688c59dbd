# SPDX-License-Identifier: Apache-2.0
"""What the house rules' tests share: walking the tree, reading C without comments and literals, reporting."""

import os
import re
import sys

ROOT = os.path.abspath(os.environ.get("SOURCE_ROOT") or os.path.join(os.path.dirname(__file__), "..", "..", ".."))
SKIPPED = 77


def sources(*folders, ends=(".c", ".h")):
    """Paths, relative to the root, of the sources below the folders, sorted."""
    found = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.relpath(os.path.join(where, n), ROOT) for n in names if n.endswith(ends)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare(text):
    """C text with comments and literals blanked, line numbers kept."""

    def blank(match):
        token = match.group()
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[0]

    return TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def verdict(findings, what):
    """Prints the findings and ends the program."""
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} violation(s): {what}")
    else:
        print(f"ok: {what}")
    sys.exit(1 if findings else 0)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)
