#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every declaration of the public headers has a doc comment, in front of it or behind it on its line."""

import re

import house


def declarations(text):
    """(offset, what) of functions, types and vtable members that need a comment."""
    plain = house.bare(text)
    plain = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group()), plain, flags=re.M)
    for match in re.finditer(r"\bMIGRATE_API\b[^;{]*?\b(\w+)\s*\(", plain):
        yield match.start(), match.group(1)
    for match in re.finditer(r"^typedef\b[^;{]*?\(\s*\*\s*(\w+)\s*\)", plain, re.M):
        yield match.start(), match.group(1)
    for match in re.finditer(r"^typedef\s+(?:struct\s+\w+|\w+)\s+(\w+)\s*;", plain, re.M):
        yield match.start(), match.group(1)
    for match in re.finditer(r"^(?:typedef\s+)?struct\s+(\w+)\s*\{", plain, re.M):
        yield match.start(), f"struct {match.group(1)}"


def documented(text, offset):
    """A comment that ends right in front, or one behind on the same line."""
    end = text.find("\n", offset)
    if "/**<" in text[offset:end] and "{" not in text[offset:end]:
        return True
    before = text[:offset].rstrip()
    # Attributes may stand between, and the typedef of a struct that follows.
    before = re.sub(r"(?:MIGRATE_\w+(?:\([^)]*\))?\s*)+$", "", before).rstrip()
    before = re.sub(r"typedef struct (\w+) \1;$", "", before).rstrip()
    if not before.endswith("*/"):
        return False
    start = before.rfind("/*")
    return before.startswith("/**", start) and not before.startswith("/**<", start)


def check(path):
    text = house.read(path)
    found = [f"{path}:{house.line_of(text, at)}: {what} has no doc comment"
             for at, what in declarations(text) if not documented(text, at)]
    if "@file" not in text and not path.endswith("migrate/migrate.h"):
        found.append(f"{path}: has no @file comment")
    return found


house.verdict([f for path in house.sources("include", ends=(".h",)) for f in check(path)],
              "every public declaration is documented")
