#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header compiles alone, as C11 and as C++17, without a warning. Arguments: the C compiler's command;
then "--" and the C++ compiler's, if there is one."""

import os
import subprocess
import sys

import house

WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Wundef", "-Wshadow", "-Werror", "-fsyntax-only"]


def compile_alone(command, language, standard, header):
    program = f"#include <{header}>\n#include <{header}>\n"
    run = subprocess.run([*command, "-x", language, f"-std={standard}", *WARNINGS, "-I",
                          os.path.join(house.ROOT, "include"), "-"],
                         input=program, capture_output=True, text=True)
    return [] if run.returncode == 0 else [f"<{header}> as {standard}:\n{run.stderr}"]


def main():
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    cc, cxx = arguments[:split] or ["cc"], arguments[split + 1:]
    headers = [os.path.relpath(p, "include") for p in house.sources("include", ends=(".h",))]
    found = [f for h in headers for f in compile_alone(cc, "c", "c11", h)]
    if cxx:
        found += [f for h in headers for f in compile_alone(cxx, "c++", "c++17", h)]
    if not cxx and not found:
        house.skip("no C++ compiler: the headers were compiled as C11 only")
    house.verdict(found, f"{len(headers)} public headers compile alone")


main()
