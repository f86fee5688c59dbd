# SPDX-License-Identifier: Apache-2.0
"""The documents say what the program does: they are compared with its tables."""

import os
import re
import shutil
import subprocess
import unittest

from cli import ROOT, CliTest


def read(*path):
    with open(os.path.join(ROOT, *path), encoding='utf-8') as f:
        return f.read()


class Docs(CliTest):
    def test_options_page_is_current(self):
        made = self.migrate('help', '--options-markdown', code=0).stdout
        self.assertEqual(
            made,
            read('docs', 'guide', 'options.md'),
            'migrate help --options-markdown > docs/guide/options.md',
        )

    def test_manual_names_everything(self):
        manual = read('docs', 'man', 'migrate.1')
        tables = self.json('help')
        words = set(re.findall(r'[\w.]+', manual))
        for option in tables['options']:
            if '.' not in option['key'].rstrip('.'):  # drivers' own are in the guide
                self.assertIn(option['key'].rstrip('.'), {w.rstrip('.') for w in words}, option['key'])
        for command in tables['commands']:
            self.assertIn('.It Cm ' + command['name'], manual.replace('.It Xo Cm', '.It Cm'))
            for flag in command['flags']:
                self.assertIn(flag['name'], manual)
        for flag in tables['flags']:
            self.assertIn('-' + flag['name'], manual)

    def test_guide_and_readme_name_every_command(self):
        for text in (read('docs', 'guide', 'cli.md'), read('README.md')):
            for command in self.json('help')['commands']:
                if command['name'] not in ('version', 'help', 'completion'):
                    self.assertRegex(text, r'\b%s\b' % command['name'])

    def test_links(self):
        for folder in ('.', 'docs/guide', 'docs/adr'):
            for name in os.listdir(os.path.join(ROOT, folder)):
                if not name.endswith('.md'):
                    continue
                for link in re.findall(r'\]\(([^)#:]+)\)', read(folder, name)):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, folder, link)), '%s: %s' % (name, link))

    def test_help_of_every_command(self):
        for command in self.json('help')['commands']:
            a = self.migrate('help', command['name'], code=0).stdout
            b = self.migrate(command['name'], '--help', code=0).stdout
            self.assertEqual(a, b)
            self.assertTrue(a.startswith('migrate ' + command['name']), a)

    def test_manuals_are_well_formed(self):
        if not shutil.which('mandoc'):
            self.skipTest('no mandoc')
        for page in ('migrate.1', 'libmigrate.3'):
            done = subprocess.run(
                ['mandoc', '-T', 'lint', '-W', 'warning', os.path.join(ROOT, 'docs', 'man', page)],
                capture_output=True,
                text=True,
            )
            wrong = [l for l in done.stdout.split('\n') if l and 'mandoc.db' not in l and 'STYLE' not in l]
            self.assertEqual(wrong, [])

    def test_completions_are_well_formed(self):
        for shell, check in (('bash', ['-n']), ('zsh', ['-n']), ('fish', ['--no-execute'])):
            text = self.migrate('completion', shell, code=0).stdout
            if shutil.which(shell):
                self.file('script', text)
                done = subprocess.run(
                    [shell, *check, 'script'], cwd=self.folder, capture_output=True, text=True
                )
                self.assertEqual((done.returncode, done.stderr), (0, ''), shell)

    def test_bash_completes(self):
        if not shutil.which('bash'):
            self.skipTest('no bash')
        self.file('script', self.migrate('completion', 'bash', code=0).stdout)
        for words, want in (
            (['migrate', 'sta'], 'status'),
            (['migrate', 'plan', 're'], 'redo'),
            (['migrate', '-d', 'x', 'status', '--ch'], '--check'),
            (['migrate', '--option', 'lock_w'], 'lock_wait='),
        ):
            script = (
                'compopt() { :; }; . ./script; COMP_WORDS=(%s); COMP_CWORD=%d; _migrate; echo "${COMPREPLY[*]}"'
                % (' '.join(words), len(words) - 1)
            )
            done = subprocess.run(['bash', '-c', script], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(done.stdout.strip(), want, done.stderr)


unittest.main()
