#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the engine on $ENGINE (sqlite, postgres, mariadb, mysql): run.py [MODULE[.CLASS[.TEST]]]...

The last line is a count. Exit 77 if everything was skipped."""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import engine  # noqa: E402


class Result(unittest.TextTestResult):
    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        if os.environ.get('SLOWEST') and time.monotonic() - self.began > float(os.environ['SLOWEST']):
            print('%5.2f s %s' % (time.monotonic() - self.began, test.id()), file=sys.stderr)
        super().stopTest(test)


def main():
    names = sys.argv[1:] or sorted(f[:-3] for f in os.listdir(HERE) if f.startswith('test_') and f.endswith('.py')
                                   and f != 'test_corpora.py')  # a test of its own
    suite = engine.only_here(unittest.defaultTestLoader.loadTestsFromNames(names))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1, resultclass=Result).run(suite)
    for test, why in result.skipped:
        print('skipped  %s: %s' % (test.id(), why))
    bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = result.testsRun - bad - len(result.skipped)
    print('%d passed, %d failed, %d skipped' % (passed, bad, len(result.skipped)))
    if bad:
        return 1
    return 0 if passed else 77


sys.exit(main())
