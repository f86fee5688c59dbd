#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The package's handler under aws-lambda-ric, AWS's own runtime interface client for Node, in Amazon's emulator. The
client is built by npm into .cache/node-ric; where that cannot be done the test is skipped."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
CACHE = os.path.join(TOP, ".cache", "node-ric")
os.environ.setdefault("SOURCE_ROOT", TOP)


def client():
    program = os.path.join(CACHE, "node_modules", ".bin", "aws-lambda-ric")
    if not os.path.exists(os.path.join(CACHE, "made")):
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            subprocess.run(["apt-get", "-y", "-qq", "install", "autoconf", "automake", "libtool", "cmake", "g++", "make"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        os.makedirs(CACHE, exist_ok=True)
        with open(os.path.join(CACHE, "package.json"), "w", encoding="utf-8") as file:
            file.write('{"private":true}')
        made = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "aws-lambda-ric@3"], cwd=CACHE, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode or not os.path.exists(program):
            print("skipped: aws-lambda-ric cannot be built:", made.stdout.decode(errors="replace")[-400:])
            sys.exit(77)
        open(os.path.join(CACHE, "made"), "w", encoding="utf-8").close()
    return program


def bootstrap(folder):
    """A function as it is deployed: index.js, and the package in node_modules."""
    os.makedirs(os.path.join(folder, "node_modules"))
    os.symlink(os.path.dirname(HERE), os.path.join(folder, "node_modules", "libmigrate"))
    with open(os.path.join(folder, "index.js"), "w", encoding="utf-8") as file:
        file.write("exports.handler = require('libmigrate/lambda').handler;\n")
    path = os.path.join(folder, "bootstrap")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexport LIBMIGRATE_NODE_ADDON='%s'\ncd '%s'\nexec '%s' index.handler\n"
                   % (os.environ["LIBMIGRATE_NODE_ADDON"], folder, client()))
    os.chmod(path, 0o755)
    return path


def served():
    from test_emulator import Emulated
    with Emulated(timeout=60, AWS_LAMBDA_FUNCTION_MEMORY_SIZE="512", PATH=os.environ["PATH"], HOME="/tmp") as f:
        out = json.loads(f.call({}))
        assert out.get("applied") == 2 and out["state"] == "current", (out, f.log()[-2000:])
        assert json.loads(f.call(None))["applied"] == 0
        assert json.loads(f.call({"command": "status"}))["pending"] == 0
        f.write({"3_bad.sql": "nonsense;\n"})
        out = json.loads(f.call({}))
        assert out["errorType"] == "E_SQL" and "3_bad.sql:1" in out["errorMessage"], out
        assert json.loads(f.call({"command": "status"}))["pending"] == 1
        out = json.loads(f.call({"command": "status", "padding": "x" * (5 * 1024 * 1024)}))  # read, and refused by name
        assert out["errorType"] == "E_ARGUMENT" and '"padding"' in out["errorMessage"], str(out)[:2000]
        assert json.loads(f.call({"command": "down"}))["errorType"].startswith("E_")


def main():
    folder = tempfile.mkdtemp(prefix="migrate-ric.")
    try:
        os.environ["BOOTSTRAP"] = bootstrap(folder)
        sys.path.insert(0, os.path.join(TOP, "tests", "lambda"))
        served()
        print("ok")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
