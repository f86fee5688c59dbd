# SPDX-License-Identifier: Apache-2.0
"""A small run broken at every message of the protocol, in every way.

FAULT_STRIDE=N takes every N-th message only (the default keeps the test short); 1 is all of them. FAULT_MODES names the
locks to do it with, behind pgbouncer too."""
import os
import random
import time

import again
import pgtest

STRIDE = int(os.environ.get('FAULT_STRIDE', '47'))
STALL_STRIDE = 1 if STRIDE == 1 else 3 * STRIDE  # a stalled run waits some seconds before it gives the server up
MODES = os.environ.get('FAULT_MODES', 'session').split()
KILL = 'kill -9 PID'


class Faults(again.Again):
    def all(self, kind, side, first, stride=STRIDE, **more):
        for mode in MODES:
            self.use(mode)
            told = self.every(kind, side, min(first, STRIDE), stride, **more)
            self.assertGreater(told, 0)
            print('%s of the %s, %s: %d times' % (kind, side, mode, told), end=' ', flush=True)

    def test_cut_client(self):
        self.all('cut', 'client', 1)

    def test_cut_server(self):
        self.all('cut', 'server', 2)

    def test_cut_inside_a_message(self):
        self.all('cut', 'client', 3, where=':middle')

    def test_cut_inside_an_answer(self):
        self.all('cut', 'server', 4, where=':middle')

    def test_reset_client(self):
        self.all('reset', 'client', 5)

    def test_reset_server(self):
        self.all('reset', 'server', 6)

    def test_half_closed_client(self):
        self.all('half', 'client', 7)

    def test_half_closed_server(self):
        self.all('half', 'server', 8)

    def test_stall(self):
        self.all('stall', 'client', 9, STALL_STRIDE, options=('-o', 'deadline=1500ms'), codes=(0, 6, 7))

    def test_stalled_answer(self):
        self.all('stall', 'server', 10, STALL_STRIDE, options=('-o', 'deadline=1500ms'), codes=(0, 6, 7))

    def test_client_killed_sending(self):
        self.all('run', 'client', 11, command=KILL, codes=(-9, 0))

    def test_client_killed_receiving(self):
        self.all('run', 'server', 12, command=KILL, codes=(-9, 0))

    def by_psql(self, db, sql):
        return "%s -Xqc \"%s\" %s >/dev/null 2>&1" % (pgtest.program('psql'), sql, pgtest.url(db))

    def test_epoch_stolen(self):
        """Whoever moved the epoch is in charge: this run stops, and what it had sent does nothing."""
        steal = self.by_psql(self.db, 'UPDATE migrate_head SET epoch = epoch + 1') + ' &'
        self.all('run', 'client', 4, command=steal, codes=(0, 5))
        self.all('run', 'server', 4, command=steal, codes=(0, 5))

    def test_backend_terminated(self):
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND " \
              "application_name <> 'psql'" % self.db
        self.all('run', 'client', 5, command=self.by_psql('postgres', sql))


class Random(again.Again):
    """At random times instead of messages."""

    def test_killed_at_random_times(self):
        rounds = int(os.environ.get('FAULT_ROUNDS', '15'))
        rng = random.Random(int(os.environ.get('FAULT_SEED', '1')))
        begun = time.monotonic()
        self.use('session')
        whole = time.monotonic() - begun
        tries = killed = 0
        while killed < rounds:
            tries += 1
            self.assertLess(tries, 20 * rounds, 'the run is always over before it is killed')
            self.psql.ask(again.CLEAR)
            process = self.start(*again.OPTIONS, 'up')
            time.sleep(rng.uniform(0, whole))
            process.kill()
            process.wait()
            killed += process.returncode == -9
            self.sound('killed, try %d' % tries)
        print('%d of %d killed' % (killed, tries), end=' ', flush=True)


if __name__ == '__main__':
    pgtest.main()
