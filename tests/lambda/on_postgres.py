# SPDX-License-Identifier: Apache-2.0
"""A function whose database is one of its own on the PostgreSQL server that with_pg.sh started."""

import os
import subprocess

from doubles import Function

URL = os.environ["PG_URL"]
numbers = iter(range(1, 1000))


def psql(sql, url=URL):
    out = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, url], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    return out.stdout.strip()


class Pg(Function):
    def __init__(self, files, **env):
        self.name = f"j{next(numbers)}"
        psql(f"CREATE DATABASE {self.name}")
        self.url = URL.rsplit("/", 1)[0] + "/" + self.name
        super().__init__(files, self.url, **env)

    def sql(self, sql):
        return psql(sql, self.url)

    def sessions(self):
        return int(psql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.name}' AND backend_type = 'client backend'"))
