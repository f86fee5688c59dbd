#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden tests of the command line: golden.py MIGRATE FILE [--update].

A FILE is a dialogue, run in an empty directory:

    # a comment
    file migrations/0001_a.sql        the lines after it that begin with "| " are its text
    | CREATE TABLE a (id INTEGER);
    env MIGRATE_LOCK_WAIT=1s          for the commands that follow; "env NAME" takes it away
    sh rm migrations/0001_a.sql       a step by the shell that must succeed
    $ up --to 1                       a command: what follows is what it has to print,
    1> applied   0001 a  (<time>)       on stdout,
    2> warning: ...                     on stderr,
    => 0                                and its exit code

Times, instants, hashes and the directory are replaced by <time>, <instant>, <sha256> and <dir>. With
--update the file is written anew from what the commands print.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile

REPLACE = [
    (re.compile(r'"(elapsed_ms|lock_wait_ms)":\d+'), r'"\1":0'),
    (re.compile(r'\b\d+ ms\b|\b\d+\.\d s\b'), '<time>'),
    (re.compile(r'\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{3})?Z'), '<instant>'),
    (re.compile(r'\b[0-9a-f]{64}\b'), '<sha256>'),
    (re.compile(r'"server":"[^"]+"'), '"server":"<server>"'),
    (re.compile(r'\b\d{14}_'), '<stamp>_'),
    (re.compile(r' +$', re.M), ''),
]


def normal(text, folder):
    text = text.replace(folder, '<dir>')
    for pattern, by in REPLACE:
        text = pattern.sub(by, text)
    # A column of instants or times pads to what it was; after the replacement the padding says nothing.
    return re.sub(r'(<time>|<instant>|APPLIED AT)  +', r'\1  ', text)


class Dialogue:
    def __init__(self, migrate, path):
        self.migrate = migrate
        self.path = path
        with open(path, encoding='utf-8') as f:
            self.lines = f.read().split('\n')
        self.env = {
            k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'
        }
        self.env.update(LC_ALL='C.UTF-8', ASAN_OPTIONS="detect_leaks=1", CLI_EXE=migrate)
        self.out = []
        self.failed = 0

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            i = 0
            while i < len(self.lines):
                i = self.step(i, folder)
        return self.failed

    def step(self, i, folder):
        line = self.lines[i]
        if line.startswith('file '):
            return self.write_file(i, folder)
        if line == '$' or line.startswith('$ '):
            return self.command(i, folder)
        self.out.append(line)
        if line.startswith('env '):
            name, equals, value = line[4:].partition('=')
            self.env.pop(name, None)
            if equals:
                self.env[name] = value.replace('<dir>', folder)
        elif line.startswith('sh '):
            subprocess.run(line[3:], shell=True, cwd=folder, check=True, env=self.env)
        elif line and not line.startswith('#'):
            sys.exit('%s:%d: what is "%s"?' % (self.path, i + 1, line))
        return i + 1

    def write_file(self, i, folder):
        path = os.path.join(folder, self.lines[i][5:])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.out.append(self.lines[i])
        i += 1
        text = ''
        while i < len(self.lines) and self.lines[i][:1] == '|':
            text += self.lines[i][2:] + '\n'
            self.out.append(self.lines[i])
            i += 1
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return i

    def command(self, i, folder):
        line = self.lines[i]
        self.out.append(line)
        expected, i = [], i + 1
        while i < len(self.lines) and self.lines[i][:2] in ('1>', '2>', '=>'):
            expected.append(self.lines[i].rstrip())
            i += 1
        done = subprocess.run(
            [self.migrate] + shlex.split(line[2:].replace('<dir>', folder)),
            cwd=folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        seen = []
        for mark, text in (('1>', done.stdout), ('2>', done.stderr)):
            text = normal(text, folder)
            if text:
                seen += [(mark + ' ' + l).rstrip() for l in text.rstrip('\n').split('\n')]
        seen.append('=> %d' % done.returncode)
        self.out += seen
        if seen != expected:
            self.failed += 1
            print('%s: %s' % (os.path.basename(self.path), line))
            print('  expected:\n    %s\n  seen:\n    %s' % ('\n    '.join(expected), '\n    '.join(seen)))
        return i


def main():
    dialogue = Dialogue(os.path.abspath(sys.argv[1]), sys.argv[2])
    failed = dialogue.run()
    if '--update' in sys.argv:
        with open(dialogue.path, 'w', encoding='utf-8') as f:
            f.write('\n'.join(dialogue.out))
        return 0
    return 1 if failed else 0


sys.exit(main())
