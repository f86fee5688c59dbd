#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom."""

import os
import re

import house

# Folder -> what its files may include of the tree, besides files of the folder itself. "include" is the public
# API; a name that ends in .h is that header alone.
RULES = {
    "include/migrate": {"include"},
    "lib/util": set(),
    "lib/sql": {"lib/util", "include/migrate/driver.h", "include/migrate/status.h"},
    "lib/layouts": {"include", "lib/util", "lib/sql"},
    "lib/sources": {"include", "lib/util", "lib/sql"},
    "lib/locks": {"include", "lib/util", "lib/sql"},
    # Sources and locks through the header with their makers; drivers through nothing but the vtable.
    "lib/core": {"include", "lib/util", "lib/sql", "lib/layouts", "lib/sources/sources.h", "lib/locks/locks.h"},
    "lib/aws": {"include", "lib/util"},
    # Authors of drivers compile it against what is installed.
    "lib/conformance": {"include"},
    "lib/drivers/sqlite": {"include", "lib/util", "lib/sql"},
    "lib/drivers/postgres": {"include", "lib/util", "lib/sql"},
    "lib/drivers/mysql": {"include", "lib/util", "lib/sql"},
    "lib/drivers/rds_data": {"include", "lib/util", "lib/sql", "lib/aws", "lib/drivers/mysql"},  # the tables of its fingerprints
    "tools/migrate": {"include"},
    "tools/migrate-lambda": {"include"},
    "bindings": {"include"},
    "examples": {"include"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)


def home(path):
    """The folder of the rules that a file belongs to."""
    inside = [folder for folder in RULES if path.startswith(folder + "/")]
    return max(inside, key=len) if inside else None


def resolve(path, name):
    """The file of the tree that an include means, or None for one of the system."""
    for folder in (os.path.dirname(path), "lib", "include"):
        full = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(os.path.join(house.ROOT, full)):
            return full
    return None


def allowed(mine, target):
    theirs = home(target)
    if theirs == mine or target in RULES[mine]:
        return True
    if theirs == "include/migrate":
        return "include" in RULES[mine]
    return theirs in RULES[mine]


def check(path):
    mine = home(path)
    if mine is None:
        return [f"{path}: its folder has no include rule: add one to {os.path.basename(__file__)}"]
    found = []
    text = house.read(path)
    for match in INCLUDE.finditer(text):
        target = resolve(path, match.group(2))
        place = f"{path}:{house.line_of(text, match.start())}"
        if target is None and match.group(1) == '"':
            found.append(f"{place}: \"{match.group(2)}\" is nowhere in the tree")
        elif target is None and match.group(2).startswith("migrate/"):
            found.append(f"{place}: <{match.group(2)}> is no public header")
        elif target and not allowed(mine, target):
            found.append(f"{place}: {mine} may not see {target}")
    return found


house.verdict([f for path in house.sources("include", "lib", "tools", "bindings", "examples") for f in check(path)],
              "who may include whom")
