# SPDX-License-Identifier: Apache-2.0
"""Servers that go away, come back, stand still or turn read-only during a run."""
import os
import signal
import subprocess
import tempfile
import threading
import time

import pgtest
from pgtest import MIGRATE, PgTest, SHARED_ENV, sql

N = 60


class Outages(PgTest):
    """On servers of its own: they are killed."""

    def setUp(self):
        super().setUp()
        self.servers = []
        for i in range(1, N + 1):
            first = 'CREATE TABLE log (n int);' if i == 1 else ''
            self.file('%02d_x.sql' % i, '%sCREATE TABLE t%d (a int); INSERT INTO log VALUES (%d); SELECT pg_sleep(0.02);'
                      % (first, i, i))

    def tool(self, *args):
        subprocess.run([os.path.join(os.environ['PG_TOOLS'], 'pg_server.sh'), *args], check=True, env=SHARED_ENV)

    def server(self, action='start', *more):
        folder = tempfile.mkdtemp(dir=os.environ['PG_SCRATCH'])
        os.chmod(folder, 0o755)
        port = free_port()
        self.tool(action, folder, str(port), *[str(m) for m in more])
        self.servers.append(folder)
        self.addCleanup(self.remove, folder)
        return folder, port

    def remove(self, folder):
        self.tool('stop', folder, 'immediate')
        subprocess.run(['rm', '-rf', folder], check=False)

    def run_against(self, ports, *options):
        hosts = ','.join('127.0.0.1:%d' % p for p in ports)
        database = 'postgres://postgres@%s/postgres?target_session_attrs=read-write' % hosts
        process = subprocess.Popen([MIGRATE, '-d', database, '-s', self.folder, '-o', 'reconnect_timeout=40s', *options,
                                    'up'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=SHARED_ENV)
        self.addCleanup(self.end, process)
        return process

    def await_rows(self, port, least, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            got = sql('SELECT max(n) FROM log', port=port, check=False)
            if got and int(got) >= least:
                return
            time.sleep(0.02)
        self.fail('the run does not get on')

    def all_in_once(self, process, port):
        out, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertEqual(sql("SELECT string_agg(n::text, ',' ORDER BY n) FROM log", port=port),
                         ','.join(str(i) for i in range(1, N + 1)))

    def test_backend_terminated_again_and_again(self):
        _, port = self.server()
        run = self.run_against([port])
        for least in (5, 20, 40):
            self.await_rows(port, least)
            sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                "backend_type = 'client backend'", port=port)
        self.all_in_once(run, port)

    def test_server_killed_and_started_again(self):
        folder, port = self.server()
        run = self.run_against([port])
        for least in (5, 30):
            self.await_rows(port, least)
            self.tool('stop', folder, 'kill')
            time.sleep(0.5)
            self.tool('start', folder, str(port))
        self.all_in_once(run, port)

    def test_server_crashes(self):
        """A backend killed by force: all sessions end, the server recovers by itself."""
        _, port = self.server()
        run = self.run_against([port])
        for least in (5, 30):
            self.await_rows(port, least)
            pid = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND "
                      'pid <> pg_backend_pid() LIMIT 1', port=port)
            os.kill(int(pid), signal.SIGKILL)
        self.all_in_once(run, port)

    def test_failover(self):
        first, port = self.server('start', 'wal_level=replica')
        _, second = self.server('standby', port)
        run = self.run_against([port, second])
        self.await_rows(second, 10)
        self.tool('stop', first, 'immediate')
        self.tool('promote', self.servers[-1])
        self.all_in_once(run, second)

    def test_turns_read_only(self):
        """As a demoted writer does; later it may be written again."""
        _, port = self.server()
        run = self.run_against([port])
        self.await_rows(port, 10)
        sql("ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()", port=port)
        back = threading.Timer(2, sql, ['SET default_transaction_read_only = off;\n'
                                        'ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf()'],
                               {'port': port})
        back.start()
        self.all_in_once(run, port)
        back.join()

    def test_stands_still(self):
        """SIGSTOP for a while: the run waits and goes on."""
        folder, port = self.server()
        run = self.run_against([port])
        self.await_rows(port, 5)
        pids = [int(p) for p in sql('SELECT pid FROM pg_stat_activity', port=port).split()]
        with open(os.path.join(folder, 'pid'), encoding='ascii') as f:
            pids.append(int(f.read()))
        for pid in pids:
            signal_quietly(pid, signal.SIGSTOP)
        time.sleep(float(os.environ.get('STILL_SECONDS', '3')))
        for pid in pids:
            signal_quietly(pid, signal.SIGCONT)
        self.all_in_once(run, port)

    def test_starting_server_is_waited_for(self):
        folder, port = self.server()
        self.tool('stop', folder)
        starter = threading.Timer(0.5, self.tool, ['start', folder, str(port)])
        starter.start()
        database = 'postgres://postgres@127.0.0.1:%d/postgres' % port
        done = subprocess.run([MIGRATE, '-d', database, '-s', self.folder, 'wait', '--timeout', '30s'],
                              capture_output=True, text=True, env=SHARED_ENV, check=False)
        starter.join()
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_replica_is_refused(self):
        _, port = self.server('start', 'wal_level=replica')
        _, second = self.server('standby', port)
        done = subprocess.run([MIGRATE, '-d', 'postgres://postgres@127.0.0.1:%d/postgres' % second, '-s', self.folder,
                               'up'], capture_output=True, text=True, env=SHARED_ENV, check=False)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn('read-only', done.stderr)


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def signal_quietly(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


if __name__ == '__main__':
    pgtest.main()
