#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""With arguments the bootstrap is the command line, also where Lambda would have started it."""

import os
import subprocess
import tempfile

from doubles import BOOTSTRAP, run


def call(*arguments, **env):
    return subprocess.run([BOOTSTRAP, *arguments], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **env})


def test_command_line():
    with tempfile.TemporaryDirectory() as scratch:
        os.mkdir(scratch + "/m")
        with open(scratch + "/m/1_a.sql", "w", encoding="utf-8") as file:
            file.write("CREATE TABLE a (id INTEGER);\n")
        for env in ({}, {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}):
            out = call("-d", f"sqlite:{scratch}/db", "-s", scratch + "/m", "--json", "up", **env)
            assert out.returncode == 0 and '"state":"current"' in out.stdout, out
        assert call("--version").returncode == 0
        assert call("explode").returncode == 1


def test_without_anything_it_is_no_server():
    out = call()
    assert out.returncode == 1 or "Usage" in out.stdout or "usage" in out.stdout + out.stderr, out


def test_no_runtime_api():
    out = call(AWS_LAMBDA_RUNTIME_API="127.0.0.1:1")
    assert out.returncode == 1 and "Runtime API" in out.stderr, out
    out = call(AWS_LAMBDA_RUNTIME_API=":")
    assert out.returncode == 1 and "AWS_LAMBDA_RUNTIME_API" in out.stderr, out


run(globals())
