# SPDX-License-Identifier: Apache-2.0
"""The first SIGINT or SIGTERM stops between statements, the second cancels the running one; exit code 7."""

import json
import os
import signal
import subprocess
import time
import unittest

from cli import MIGRATE, CliTest

# A statement of a fraction of a second, many times; and one that never ends.
COUNT = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) "
    "INSERT INTO t SELECT max(i) FROM n;\n"
)
ENDLESS = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t SELECT max(i) FROM n;\n"
)


class Signals(CliTest):
    def start(self):
        return subprocess.Popen(
            [MIGRATE, '--json', 'up'],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_first(self, process):
        """Until migration 1 is in: by then the handlers are installed and 2 is about to run."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            if os.path.exists(os.path.join(self.folder, 'app.db')):
                try:
                    if self.sql("SELECT count(*) FROM migrate_history WHERE state = 'applied'") != [(0,)]:
                        return
                except Exception:  # not there yet, or locked
                    pass
            time.sleep(0.02)
        self.fail('it ended or hung: %s' % (process.communicate(timeout=5),))

    def test_stop(self):
        self.file('migrations/1_t.sql', 'CREATE TABLE t (n INTEGER);\n')
        self.file('migrations/2_many.sql', COUNT * 200)
        for number in (signal.SIGINT, signal.SIGTERM):
            subprocess.run(['rm', '-f', 'app.db'], cwd=self.folder, check=True)
            process = self.start()
            self.wait_for_first(process)
            began = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 7, err)
            self.assertLess(time.monotonic() - began, 30)
            value = json.loads(out)
            self.assertEqual(value['error']['status'], 'E_STOPPED')
            self.assertEqual((value['applied'], value['pending']), (1, 1))
            self.assertEqual(self.sql('SELECT count(*) FROM t'), [(0,)])

    def test_cancel(self):
        self.file('migrations/1_t.sql', 'CREATE TABLE t (n INTEGER);\n')
        self.file('migrations/2_endless.sql', ENDLESS)
        process = self.start()
        self.wait_for_first(process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        self.assertIsNone(process.poll(), 'the first lets the statement run')
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(process.returncode, 7, err)
        self.assertEqual(json.loads(out)['error']['status'], 'E_CANCELLED')
        self.assertEqual(self.sql('SELECT count(*) FROM t'), [(0,)])

    def test_run_again(self):
        self.file('migrations/1_t.sql', 'CREATE TABLE t (n INTEGER);\n')
        self.file('migrations/2_many.sql', COUNT * 20)
        process = self.start()
        self.wait_for_first(process)
        process.kill()
        process.communicate(timeout=30)
        self.assertEqual(self.json('up')['state'], 'current')
        self.assertEqual(self.sql('SELECT count(*) FROM t'), [(20,)])


unittest.main()
