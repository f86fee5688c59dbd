# SPDX-License-Identifier: Apache-2.0
"""Exported names, struct layouts and types against golden files; an old client and an old driver still run.

With ABI_UPDATE in the environment the golden files are written anew (scripts/abi-refresh).
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.join(os.environ['SOURCE_ROOT'], 'tests', 'abi')
GOLDEN = os.path.join(HERE, 'golden')
LIBRARIES = dict(item.split('=') for item in os.environ['LIBRARIES'].split())
CLIENTS = os.environ['CLIENTS'].split()
LAYOUT = os.environ['LAYOUT']
INCLUDE = os.path.join(os.environ['SOURCE_ROOT'], 'include')
UPDATE = 'ABI_UPDATE' in os.environ


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, timeout=120)


def compare(test, name, seen):
    path = os.path.join(GOLDEN, name)
    if UPDATE:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(seen)
        return
    with open(path, encoding='utf-8') as f:
        test.assertEqual(
            f.read(), seen, '%s differs: an ABI change needs scripts/abi-refresh and a line in NEWS.md' % name
        )


class Abi(unittest.TestCase):
    maxDiff = None

    def test_exported_names(self):
        for name, path in LIBRARIES.items():
            done = run('nm', '-D', '--defined-only', path)
            self.assertEqual(done.returncode, 0, done.stderr)
            names = sorted(
                line.split()[-1].split('@')[0]
                for line in done.stdout.splitlines()
                if line.split()[1] in 'TDBRWV'
            )
            with self.subTest(name):
                compare(self, name + '.exports', ''.join(n + '\n' for n in names))

    def test_every_declaration_is_exported_and_nothing_else(self):
        declared = set()
        for header in os.listdir(os.path.join(INCLUDE, 'migrate')):
            if header in ('aws.h', 'lambda.h', 'conformance.h', 'drivers.h', 'export.h', 'meson.build'):
                continue
            with open(os.path.join(INCLUDE, 'migrate', header), encoding='utf-8') as f:
                text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
            declared |= set(re.findall(r'^MIGRATE_API[^;]*?\b(migrate_\w+)\(', text, re.M))
        done = run('nm', '-D', '--defined-only', LIBRARIES['libmigrate'])
        exported = {
            line.split()[-1].split('@')[0] for line in done.stdout.splitlines() if line.split()[1] == 'T'
        }
        self.assertEqual(declared, exported)

    def test_struct_layouts(self):
        if struct.calcsize('P') != 8:
            self.skipTest('the golden file is of a machine with 64-bit pointers')
        compare(self, 'layout.txt', run(LAYOUT).stdout)

    def test_layouts_cover_every_member(self):
        """A member that is appended to a header has to appear in layout.c, too."""
        layout = run(LAYOUT).stdout
        for header in os.listdir(os.path.join(INCLUDE, 'migrate')):
            if not header.endswith('.h') or header in ('aws.h', 'lambda.h'):
                continue
            with open(os.path.join(INCLUDE, 'migrate', header), encoding='utf-8') as f:
                text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
            for name, body in re.findall(r'^(?:typedef )?struct (migrate_\w+) \{(.*?)^\}', text, re.M | re.S):
                members = re.findall(r'\(\*(\w+)\)|(\w+);', re.sub(r'\)\(.*?\);', ');', body, flags=re.S))
                listed = re.search(r'^%s \d+\n((?:  .*\n)*)' % name, layout, re.M)
                self.assertTrue(listed, name)
                self.assertEqual(
                    re.findall(r'^  (\w+)', listed.group(1), re.M), [a or b for a, b in members], name
                )

    def test_frozen_client_and_driver(self):
        for client in CLIENTS:
            with tempfile.TemporaryDirectory() as folder, self.subTest(client):
                done = run(client, 'sqlite:%s/a.db' % folder, 'mini:%s/b.db' % folder)
                self.assertEqual((done.returncode, done.stderr), (0, ''), done.stdout)

    def test_types(self):
        """The types behind the names, as abidw sees them in the debug information."""
        if not shutil.which('abidw') or not shutil.which('abidiff'):
            self.skipTest('no abidw, abidiff')
        if os.environ['SANITIZE'] != 'none':
            self.skipTest('a sanitizer adds symbols of its own')
        golden = os.path.join(GOLDEN, 'libmigrate.abi')
        with tempfile.TemporaryDirectory() as folder:
            seen = os.path.join(folder, 'seen.abi')
            done = run(
                'abidw',
                '--exported-interfaces-only',
                '--suppr',
                os.path.join(HERE, 'public.suppr'),
                '--headers-dir',
                INCLUDE,
                '--drop-private-types',
                '--no-corpus-path',
                '--no-comp-dir-path',
                '--no-show-locs',
                '--no-parameter-names',
                '--no-elf-needed',
                '--out-file',
                seen,
                LIBRARIES['libmigrate'],
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            if UPDATE:
                shutil.copy(seen, golden)
                return
            done = run('abidiff', golden, seen)
            self.assertEqual(done.returncode, 0, done.stdout)


unittest.main()
