#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bootstrap under Amazon's own Runtime Interface Emulator, its time-out included. The emulator is taken from the
aws-sam-cli package into .cache/; where that cannot be had the test is skipped."""

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

from doubles import BOOTSTRAP, FILES, SKIPPED, Function, run

CACHE = os.path.join(os.environ.get("SOURCE_ROOT", "."), ".cache", "rie")


def emulator():
    path = os.path.join(CACHE, "aws-lambda-rie")
    if os.path.exists(path):
        return path
    arch = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    with tempfile.TemporaryDirectory() as scratch:
        got = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", scratch, "aws-sam-cli"],
                             capture_output=True, text=True)
        wheels = [n for n in os.listdir(scratch) if n.endswith(".whl")]
        if got.returncode or not wheels:
            print("skipped: the emulator cannot be downloaded:", got.stderr.strip()[-300:])
            sys.exit(SKIPPED)
        with zipfile.ZipFile(os.path.join(scratch, wheels[0])) as wheel:
            binary = wheel.read("samcli/local/rapid/aws-lambda-rie-" + arch)
    os.makedirs(CACHE, exist_ok=True)
    with open(path + f".{os.getpid()}", "wb") as file:
        file.write(binary)
    os.chmod(file.name, 0o755)
    os.replace(file.name, path)
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Emulated(Function):
    def __init__(self, files=None, timeout=10, **env):
        super().__init__(files, **env)
        self.api.close()
        self.port = free_port()
        del self.env["AWS_LAMBDA_RUNTIME_API"]
        self.env["AWS_LAMBDA_FUNCTION_TIMEOUT"] = str(timeout)
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen([emulator(), "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}",
                                         "--runtime-api-address", f"127.0.0.1:{free_port()}", BOOTSTRAP],
                                        env=self.env, cwd=self.dir, stdout=log, stderr=log)
        log.close()
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)

    def call(self, event):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations", body)
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()


def test_serves():
    with Emulated() as f:
        out = json.loads(f.call({}))
        assert out["applied"] == 2 and out["state"] == "current", out
        assert json.loads(f.call(None))["applied"] == 0
        f.write({"3_bad.sql": "nonsense;\n"})
        out = json.loads(f.call({}))
        assert out["errorType"] == "E_SQL" and out["stackTrace"] == [] and out["error"]["path"] == "3_bad.sql", out
        assert json.loads(f.call({"command": "status"}))["pending"] == 1


def test_large_event():
    with Emulated() as f:
        assert json.loads(f.call({"padding": "x" * (5 * 1024 * 1024)}))["applied"] == 2


def test_answers_before_the_time_out():
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;\n"
    with Emulated({"1_endless.sql": endless}, timeout=3) as f:
        for _ in range(2):
            begun = time.monotonic()
            out = json.loads(f.call({}))
            assert out["more"] is True and time.monotonic() - begun < 3, out


def test_its_time_out_fires():
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;\n"
    with Emulated({**FILES, "3_endless.sql": endless}, timeout=2, MIGRATE_DEADLINE_MARGIN="0") as f:
        # Frozen, so that it cannot answer: the emulator says so, and the next invocation gets a new process.
        import threading
        answer = []
        thread = threading.Thread(target=lambda: answer.append(f.call({})))
        thread.start()
        time.sleep(1)
        children = subprocess.run(["pgrep", "-P", str(f.process.pid)], capture_output=True, text=True).stdout.split()
        for child in children:
            os.kill(int(child), 19)
        thread.join(20)
        assert answer and b"timed out" in answer[0], answer
        f.remove("3_endless.sql")
        assert json.loads(f.call({"command": "status"}))["pending"] == 0


if __name__ == "__main__":
    run(globals())
