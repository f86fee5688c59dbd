# SPDX-License-Identifier: Apache-2.0
"""Output streams, terminals, process list, drivers of one's own."""

import os
import pty
import select
import subprocess
import time
import unittest

from cli import MIGRATE, CliTest, clean_env

ENDLESS = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO a SELECT max(i) FROM n;\n"
)


class Behaviour(CliTest):
    def setUp(self):
        super().setUp()
        self.file('migrations/1_a.sql', 'CREATE TABLE a (id INTEGER);\n')
        self.file(
            'migrations/2_b.sql',
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "WHERE i < 3000000) INSERT INTO a SELECT max(i) FROM n;\n",
        )

    def on_terminal(self, *args):
        """Runs with stderr on a terminal; returns what it saw there, stdout and the exit code."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [MIGRATE, *args],
            cwd=self.folder,
            env=dict(self.env, TERM='xterm'),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
        )
        os.close(slave)
        seen = b''
        while True:
            ready, _, _ = select.select([master], [], [], 60)
            try:
                chunk = os.read(master, 4096) if ready else b''
            except OSError:  # the other side is closed
                chunk = b''
            if not chunk:
                break
            seen += chunk
        os.close(master)
        out = process.communicate(timeout=60)[0]
        return seen.decode(), out.decode(), process.returncode

    def test_progress_bar(self):
        seen, out, code = self.on_terminal('up')
        self.assertEqual(code, 0, seen)
        self.assertIn('1/2  2 b', seen)
        self.assertTrue(seen.endswith('\r\x1b[K'), repr(seen))
        self.assertNotIn('\x1b', out)
        self.assertIn('applied   2 b', out)

    def test_quiet_has_no_bar(self):
        seen, out, code = self.on_terminal('-q', 'up')
        self.assertEqual((seen, code), ('', 0))
        self.assertIn('applied', out)

    def test_no_bar_without_terminal(self):
        done = self.migrate('up', code=0)
        self.assertEqual(done.stderr, '')

    def test_json_with_a_bar(self):
        seen, out, code = self.on_terminal('--json', 'up')
        self.assertEqual(code, 0)
        self.assertEqual(out.count('\n'), 1)
        self.assertTrue(out.startswith('{"schema":1'))

    def test_closed_descriptors(self):
        """The database file must not become descriptor 1 and receive what we print."""
        subprocess.run(
            ['sh', '-c', '"$0" up >&- 2>&- <&-', MIGRATE], cwd=self.folder, env=self.env, check=False
        )
        self.assertEqual(self.sql('SELECT count(*) FROM a'), [(1,)])
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        self.assertEqual(self.json('status')['state'], 'current')

    def test_reader_goes_away(self):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [MIGRATE, 'up'],
            cwd=self.folder,
            env=self.env,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        os.close(write)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn('standard output', done.stderr)
        self.assertEqual(self.json('status')['state'], 'current')

    def test_full_disk_on_stdout(self):
        with open('/dev/full', 'w') as full:
            done = subprocess.run(
                [MIGRATE, 'status'],
                cwd=self.folder,
                env=self.env,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        self.assertEqual(done.returncode, 2)

    def test_password_is_nowhere(self):
        """Neither in messages nor in the process list."""
        for url in (
            'oracle://u:s3cret@h/db',
            'postgres://u:s3cret@127.0.0.1:1/db',
            'mysql://u:s3cret@127.0.0.1:1/db',
            'postgres://u:p@s3cret@127.0.0.1:1/db',
        ):
            done = self.migrate('-d', url, '-o', 'connect_timeout=1s', '-o', 'reconnect_timeout=1s', 'status')
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn('s3cret', done.stdout + done.stderr)
        process = subprocess.Popen(
            [MIGRATE, '-d', 'mini://u:s3cret@h/x', '--driver', './none.so', 'wait'],
            cwd=self.folder,
            env=self.env,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.assertNotIn('s3cret', process.communicate(timeout=60)[1])

    def test_argument_is_hidden(self):
        self.file('endless/1_a.sql', 'CREATE TABLE a (n INTEGER);\n' + ENDLESS)
        process = subprocess.Popen(
            [MIGRATE, '-d', 'sqlite://%s/s3cret.db' % self.folder, '-s', 'endless', 'up'],
            cwd=self.folder,
            env=clean_env(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 10
            line = b's3cret'
            while b's3cret' in line and time.monotonic() < deadline and process.poll() is None:
                with open('/proc/%d/cmdline' % process.pid, 'rb') as f:
                    line = f.read()
                time.sleep(0.01)
            self.assertIsNone(process.poll())
            self.assertNotIn(b's3cret', line)
        finally:
            process.kill()
            process.wait()

    def test_names_do_not_play_with_the_terminal(self):
        self.file('evil/1_\x1b]0;x\x07\x1b[31m.sql', 'SELECT 1;\n')
        done = self.migrate('-s', 'evil', 'status')
        self.assertNotIn('\x1b', done.stdout + done.stderr)

    def test_flags_stand_anywhere(self):
        self.migrate('up', '-d', 'sqlite:other.db', '--source=migrations', '-olock_wait=1s', code=0)
        self.assertEqual(self.sql('SELECT count(*) FROM a', 'other.db'), [(1,)])
        self.migrate('-dsqlite:third.db', 'up', '-qv', '--', code=0)

    def test_deadline(self):
        self.file('migrations/3_c.sql', ENDLESS)
        done = self.json('-o', 'deadline=1500ms', 'up', code=7)
        self.assertEqual(done['error']['class'], 7)
        self.assertGreaterEqual(done['applied'], 1)


unittest.main()
