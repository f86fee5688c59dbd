#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Archives define no global name but migrate_ and mig_ ones, and hold no data that could be written. Arguments: the
archives."""

import re
import shutil
import subprocess
import sys

import house

NAMES = re.compile(r"^(migrate_|mig_)")
# What runs a client library's one-time set-up may say that it ran.
ONCE = re.compile(r"(^|_)once(\.\d+)?$")
# Read-only once it is relocated.
CONSTANT = re.compile(r"^\.(rodata|data\.rel\.ro|init_array|fini_array|comment|note|eh_frame|gcc_except_table|debug)")


def lines(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def global_names(archive):
    for line in lines("nm", "-g", "--defined-only", archive):
        fields = line.split()
        if len(fields) == 3 and not NAMES.match(fields[2]):
            yield f"{archive}: global name {fields[2]}"


def writable(archive):
    member = ""
    for line in lines("objdump", "-t", archive):
        if ":     file format" in line:
            member = line.split(":")[0]
        # value, seven flags, section, size, name
        match = re.match(r"^[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)\s+(.*)$", line)
        if not match or "d" in match.group(1):
            continue
        section, size, name = match.group(2), int(match.group(3), 16), match.group(4).split()[-1]
        if "O" not in match.group(1) and not section.startswith((".tdata", ".tbss")):
            continue
        data = section.startswith((".data", ".bss", ".tdata", ".tbss", "*COM*")) and not CONSTANT.match(section)
        if data and size and not ONCE.search(name):
            yield f"{archive}({member}): {name} in {section}, {size} bytes that can be written"


def main():
    if not shutil.which("nm") or not shutil.which("objdump"):
        house.skip("binutils are missing")
    archives = sys.argv[1:]
    findings = [f for a in archives for f in [*global_names(a), *writable(a)]]
    house.verdict(findings, f"names and data of {len(archives)} archives")


main()
