#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The package for Lambda in a root without any system file: package_test.py ZIP ARCH TOPIC...

PG_URL and MYSQL_URL are servers of the test's own, TLS the folder of their certificates (tests/tools/tls_files.sh), whose
ca.pem is in the package. QEMU runs the program where the machine cannot."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

from doubles import Invocation, RuntimeApi

PASSWORD = "s3cret-p w"
QUOTED = PASSWORD.replace(" ", "%20")
TLS = os.environ.get("TLS", "")


def peak_kb(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


class Root:
    """A folder that is the whole file system of what runs in it."""

    def __init__(self, package, qemu):
        self.dir = tempfile.mkdtemp(prefix="migrate-package.")
        os.chmod(self.dir, 0o755)
        os.mkdir(os.path.join(self.dir, "tmp"))
        self.task = os.path.join(self.dir, "var", "task")
        os.makedirs(self.task)
        subprocess.run(["unzip", "-q", package, "-d", self.task], check=True)
        self.qemu, self.peak_kb = qemu, None
        self.command = [shutil.which("chroot") or "/usr/sbin/chroot", self.dir]
        if qemu:
            shutil.copy(qemu, os.path.join(self.dir, "qemu"))
            self.command.append("/qemu")
        self.command.append("/var/task/bootstrap")

    def command_line(self, *arguments, **env):
        return subprocess.run([*self.command, *arguments], capture_output=True, text=True, env=env, timeout=300, check=False)

    def function(self, **env):
        """The answer to one invocation, and whether it is a result."""
        api = RuntimeApi()
        env = {"AWS_LAMBDA_RUNTIME_API": api.address, "LAMBDA_TASK_ROOT": "/var/task", "_HANDLER": "bootstrap", **env}
        invocation = Invocation({}, 120, None)
        api.waiting.put(invocation)
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(self.command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                if not invocation.done.wait(150):
                    log.seek(0)
                    raise AssertionError("no answer; log: " + log.read().decode(errors="replace"))
                self.peak_kb = None if self.qemu else peak_kb(process.pid)
            finally:
                process.kill()
                process.wait()
                api.close()
        return invocation.kind == "response", invocation.json

    def close(self):
        shutil.rmtree(self.dir)


def must_migrate(root, url, by):
    """Once as a function, which applies; once as the command line, which finds nothing to do."""
    good, answer = root.function(MIGRATE_DATABASE_URL=url)
    assert root.peak_kb is None or root.peak_kb < 12 * 1024, root.peak_kb
    assert good and answer["state"] == "current" and answer["applied"] == 2, answer
    out = root.command_line("-d", url, "-s", "/var/task/migrations", "-o", "ca_file=/var/task/ca.pem", "--json", "up")
    assert out.returncode == 0 and '"applied":0' in out.stdout and '"state":"current"' in out.stdout, out
    print("ok    %s%s" % (by, ", peak %d kB" % root.peak_kb if root.peak_kb else ""), flush=True)


def must_refuse_strangers(root, url, by):
    """A server whose certificate nobody known has signed gets no password."""
    shutil.copy(os.path.join(TLS, "other-ca.pem"), os.path.join(root.task, "other.pem"))
    out = root.command_line("-d", url, "-s", "/var/task/migrations", "-o", "ca_file=/var/task/other.pem", "status")
    assert out.returncode != 0 and "certificate" in (out.stdout + out.stderr).lower(), out
    assert PASSWORD not in out.stdout + out.stderr and QUOTED not in out.stdout + out.stderr
    good, answer = root.function(MIGRATE_DATABASE_URL=url, MIGRATE_CA_FILE="/var/task/other.pem")
    assert not good and "certificate" in answer["errorMessage"].lower(), answer
    os.remove(os.path.join(root.task, "other.pem"))
    print("ok    %s refuses an unknown certificate" % by, flush=True)


def sql_postgres(text, url=None):
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", url or os.environ["PG_URL"]], input=text, text=True, check=True)


def topic_postgres(root, name):
    sql_postgres("DROP DATABASE IF EXISTS %s;\nDROP ROLE IF EXISTS %s;\nCREATE ROLE %s LOGIN PASSWORD '%s';\n"
                 "CREATE DATABASE %s OWNER %s;\n" % (name, name, name, PASSWORD, name, name))
    url = "postgres://%s:%s@127.0.0.1:%s/%s?sslmode=verify-full" % (name, QUOTED, os.environ["PG_PORT"], name)
    must_migrate(root, url, "PostgreSQL, verify-full, SCRAM")
    must_refuse_strangers(root, url, "PostgreSQL")


def topic_mysql(root, name):
    subprocess.run([os.path.join(os.environ["MYSQL_TOOLS"], "mysql_server.sh"), "sql", os.environ["MYSQL_DIR"]], text=True, check=True,
                   input="DROP DATABASE IF EXISTS %s;\nDROP USER IF EXISTS %s;\nCREATE DATABASE %s;\n"
                         "CREATE USER %s IDENTIFIED WITH caching_sha2_password BY '%s' REQUIRE SSL;\n"
                         "GRANT ALL ON %s.* TO %s;\n" % (name, name, name, name, PASSWORD, name, name))
    url = "mysql://%s:%s@127.0.0.1:%s/%s" % (name, QUOTED, os.environ["MYSQL_PORT"], name)
    must_migrate(root, url, "MySQL, TLS, caching_sha2_password")
    must_refuse_strangers(root, url, "MySQL")


def topic_sqlite(root, _name):
    must_migrate(root, "sqlite:/tmp/app.db", "SQLite")


def topic_files(root, _name):
    found = set()
    for at, _folders, names in os.walk(root.dir):
        found |= {os.path.relpath(os.path.join(at, n), root.dir) for n in names}
    assert found - {"qemu"} == {"var/task/bootstrap", "var/task/ca.pem", "var/task/licenses.txt",
                                "var/task/migrations/1_customers.sql", "var/task/migrations/2_orders.sql"}, found
    with open(os.path.join(root.task, "bootstrap"), "rb") as file:
        program = file.read()
    offset, size, count = (struct.unpack_from("<Q", program, 32)[0], *struct.unpack_from("<HH", program, 54))
    kinds = {struct.unpack_from("<I", program, offset + i * size)[0] for i in range(count)}
    assert program[:4] == b"\x7fELF" and not kinds & {2, 3}, "it is loaded dynamically"  # PT_DYNAMIC, PT_INTERP
    out = root.command_line("--version")
    assert out.returncode == 0 and "migrate" in out.stdout, out
    print("ok    one static program", flush=True)


def main():
    package, arch, *topics = sys.argv[1:]
    assert zipfile.ZipFile(package).testzip() is None
    root = Root(package, os.environ.get("QEMU"))
    try:
        for topic in topics:
            globals()["topic_" + topic](root, "app_" + arch)
    finally:
        root.close()


main()
