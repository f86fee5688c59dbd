# SPDX-License-Identifier: Apache-2.0
"""The client is killed by SIGKILL at every message of the protocol, in both directions, and at least PHASE_KILLS times in
each phase that matters, with each lock and behind pgbouncer. After each one more run must end it, without doubt and without
anybody's help, and the database must be as after an undisturbed run. Told at the end: how often, and where."""
import collections
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration', 'postgres'))
import again  # noqa: E402
import pgtest  # noqa: E402

WANTED = int(os.environ.get('PHASE_KILLS', '50'))
MODES = os.environ.get('KILL_MODES', 'session lease none pgbouncer').split()
SEED = int(os.environ.get('KILL_SEED', '1'))

# (side, text in the message, where): killed while the transaction of a migration is open
INSIDE = [('client', "INSERT INTO log VALUES (1, 'tables')", ':after'), ('server', 'INSERT 0 500', ''),
          ('client', 'COPY log FROM STDIN', ':after'), ('server', 'COPY 1', ''), ('server', 'ALTER TABLE', ''),
          ('client', "CREATE TYPE mood", ''), ('server', 'CREATE TYPE', ''), ('server', 'UPDATE 500', ''),
          ('client', "INSERT INTO log VALUES (4, 'last')", ':after')]
CONCURRENTLY = ['CREATE INDEX CONCURRENTLY big_name', 'CREATE UNIQUE INDEX CONCURRENTLY big_id',
                'DROP INDEX CONCURRENTLY big_name']
COMMITS = 6  # of a run: our tables, three migrations, a statement with its journal, the end of a journalled migration
FIRST_BOOKS, LAST_BOOKS = 2, 16  # messages with which a run takes over what another has left


class Phases(again.Again):
    rng = random.Random(SEED)
    counts = collections.Counter()

    def after_a_while(self, most):
        return 'sleep %.3f; kill -9 PID' % self.rng.uniform(0, most)

    def kill(self, phase, fault, match=None, within=0.0):
        """One run killed. false: it was over before."""
        code, happened, said = self.one_run(fault, self.after_a_while(within) if within else 'kill -9 PID', match)
        self.assertIn(code, (-9, 0) if happened else (0,), '%s: %s' % (fault, said))
        if code == -9:  # else it had ended before: of its goodbye nothing comes back
            self.counts[self.mode, phase] += 1
        return happened

    def round(self, phase, fault, match=None, within=0.0):
        self.psql.ask(again.CLEAR)
        happened = self.kill(phase, fault, match, within)
        self.sound('%s: %s %s, lock %s' % (phase, fault, match, self.mode))
        return happened

    def each(self, phase, step):
        """Until it has been as often as is wanted, in each mode."""
        for mode in MODES:
            self.use(mode)
            for i in range(4 * WANTED):
                if self.counts[mode, phase] >= WANTED:
                    break
                step(phase, i)
            self.assertGreaterEqual(self.counts[mode, phase], WANTED, (mode, phase))

    def test_1_every_message(self):
        for mode in MODES:
            self.use(mode)
            for side in ('client', 'server'):
                n = 1
                while self.round('every message of the ' + side, 'run:%s:%d' % (side, n)):
                    n += 1

    def test_2_inside_a_migration(self):
        def step(phase, i):
            side, text, where = INSIDE[i % len(INSIDE)]
            self.round(phase, 'run:%s:1%s' % (side, where), text, 0.01)
        self.each('inside a migration', step)

    def test_3_between_commit_and_its_answer(self):
        """The server has committed, and its answer is not let through."""
        self.each('between COMMIT sent and answered',
                  lambda phase, i: self.round(phase, 'run:server:%d' % (1 + i % COMMITS), 'COMMIT'))

    def test_4_inside_concurrently(self):
        self.each('inside CONCURRENTLY',
                  lambda phase, i: self.round(phase, 'run:client:1:after', CONCURRENTLY[i % 3], 0.02))

    def test_5_during_takeover(self):
        """A run that takes over what a killed one has left is killed too."""
        def step(phase, i):
            self.psql.ask(again.CLEAR)
            if i % 2:
                self.kill('killed first, for a takeover', 'run:client:1:after', CONCURRENTLY[i // 2 % 3], 0.02)
            else:
                self.kill('killed first, for a takeover', 'run:server:%d' % (2 + i // 2 % 4), 'COMMIT')
            self.lease_expires()
            n = FIRST_BOOKS + i // 2 % (LAST_BOOKS - FIRST_BOOKS)
            self.kill(phase, 'run:%s:%d' % ('client' if i // 28 % 2 == 0 else 'server', n))
            self.sound('takeover killed at %d, lock %s' % (n, self.mode))
        self.each('during takeover', step)

    def test_6_told(self):
        for mode in MODES:
            print('\nlock %s:' % mode, ', '.join('%s %d' % (phase, n) for (m, phase), n in sorted(self.counts.items())
                                                 if m == mode), end='')
        print('\n%d kills, 0 divergences, 0 manual steps' % sum(self.counts.values()), flush=True)


if __name__ == '__main__':
    pgtest.main()
