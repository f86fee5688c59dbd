# SPDX-License-Identifier: Apache-2.0
"""Real projects' migrations, up and down, against the schema and the counts that the vendor's own client gives.

The corpora lie in corpora/ of $MIGRATE_SHARED, or of ../shared beside the checkout; without them this is skipped."""

import os
import re
import shutil
import subprocess
import unittest

from engine import ENGINE, ROOT, EngineTest

SHARED = os.environ.get('MIGRATE_SHARED') or os.path.join(os.path.dirname(ROOT), 'shared')
CORPORA = os.path.join(SHARED, 'corpora')


def names():
    end = {'sqlite': '_sqlite', 'postgres': '_pg', 'mysql': '_mysql'}[ENGINE.dialect]
    return sorted(n for n in os.listdir(CORPORA) if n.endswith(end)) if os.path.isdir(CORPORA) else []


def read(*path):
    with open(os.path.join(CORPORA, *path), encoding='utf-8') as f:
        return f.read()


def expected(name, what):
    """The file for this engine: MySQL's own where it differs, None where there is none."""
    ends = ['.mysql97' + what] if ENGINE.name == 'mysql' else [what]
    for end in ends:
        if os.path.exists(os.path.join(CORPORA, 'expected', name + end)):
            return read('expected', name + end)
    return None


def manifest(name, direction):
    path = os.path.join(CORPORA, 'manifests', name + '.' + direction)
    if not os.path.exists(path):
        return None
    with open(path, encoding='utf-8') as f:
        return [line.rstrip('\n').split('\t')[2] for line in f if line.strip()]


@unittest.skipUnless(os.path.isdir(CORPORA), 'no corpora in %s' % CORPORA)
class Corpora(EngineTest):
    # ---- dumps, normalised as corpora/dump_schema.sh does

    def dump_sqlite(self):
        out = ''
        for kind, name, table, sql in self.sql(
                "SELECT type, name, tbl_name, coalesce(sql, '(auto)') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                "AND tbl_name NOT LIKE 'migrate\\_%' ESCAPE '\\' ORDER BY type, name"):
            out += '%s %s ON %s\n%s;\n' % (kind, name, table, sql)
        return out

    def dump_postgres(self):
        done = subprocess.run(['pg_dump', '-s', '-O', '-T', '*.migrate_*', self.url], capture_output=True, text=True, check=True,
                              env=ENGINE.env)
        return self.plain_postgres(done.stdout)

    @staticmethod
    def plain_postgres(text):
        text = re.sub(r'(?m)^(\\(un)?restrict .*|-- Dumped .*)\n', '', text)
        return re.sub(r'\n{2,}', '\n\n', text).strip()

    def dump_mysql(self):
        ours = ['--ignore-table=%s.migrate_%s' % (ENGINE.database, t) for t in ('head', 'history', 'journal', 'lock')]
        program = shutil.which('mariadb-dump') or 'mysqldump'
        done = subprocess.run([program, '--no-defaults', '-uroot', '-S', os.path.join(os.environ['MYSQL_DIR'], 'sock'), '--no-data',
                               '--routines', '--triggers', '--events', '--skip-comments', '--skip-dump-date', '--no-tablespaces',
                               *ours, ENGINE.database], capture_output=True, text=True, check=True)
        return self.plain_mysql(done.stdout)

    def plain_mysql(self, text):
        text = re.sub(r' AUTO_INCREMENT=\d+', '', text)
        text = re.sub(r'DEFINER=`[^`]*`@`[^`]*` ?', '', text).replace('`%s`.' % ENGINE.database, '')
        lines = [l for l in text.split('\n') if l and not l.startswith(('/*!', '/*M!', 'SET ', 'DROP TABLE IF EXISTS', '--'))]
        return '\n'.join(lines).replace('\n;;', ' ;;')

    def plain(self, text):
        return {'sqlite': str.rstrip, 'postgres': self.plain_postgres, 'mysql': self.plain_mysql}[ENGINE.dialect](text)

    def dump(self):
        return {'sqlite': self.dump_sqlite, 'postgres': self.dump_postgres, 'mysql': self.dump_mysql}[ENGINE.dialect]()

    def counts(self):
        if ENGINE.dialect == 'postgres':
            tables = self.sql("SELECT format('%s.%s', schemaname, tablename), format('%I.%I', schemaname, tablename) FROM pg_tables "
                              "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename NOT LIKE 'migrate\\_%' "
                              "ORDER BY 1")
        elif ENGINE.dialect == 'sqlite':
            tables = [(t[0], '"%s"' % t[0]) for t in self.sql(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE "
                "'migrate\\_%' ESCAPE '\\' ORDER BY 1")]
        else:
            tables = [(t[0], '`%s`' % t[0]) for t in self.sql(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
                "AND table_name NOT LIKE 'migrate\\_%' ORDER BY 1")]
        return [(name, self.one('SELECT count(*) FROM %s' % table)) for name, table in tables]

    def same(self, found, wanted, what):
        self.assertEqual(found.strip().split('\n'), self.plain(wanted).strip().split('\n'), what)

    # ---- one corpus

    def source(self, name):
        os.rmdir(os.path.join(self.folder, 'migrations'))
        shutil.copytree(os.path.join(CORPORA, name), os.path.join(self.folder, 'migrations'))

    def set_up(self, name):
        self.source(name)
        setup = os.path.join(CORPORA, 'manifests', name + '.setup.sql')
        if os.path.exists(setup):
            ENGINE.run_script(read('manifests', name + '.setup.sql'), self.url)
        self.session_sql = []
        session = os.path.join(CORPORA, 'manifests', name + '.session')
        if os.path.exists(session):
            self.session_sql = ['-o', 'init_sql=' + read('manifests', name + '.session')]

    def up_and_down(self, name):
        self.set_up(name)
        self.json('hash')
        self.assertEqual([s['path'] for s in self.json('plan')['steps']], manifest(name, 'up'))
        value = self.up(*self.session_sql)
        self.assertEqual(value['state'], 'current')
        self.same(self.dump(), expected(name, '.sql'), name + ' up')
        wanted = [tuple(line.split('|' if ENGINE.dialect != 'mysql' else '\t')) for line in expected(name, '.counts').split('\n') if line]
        self.assertEqual(self.counts(), wanted)
        self.assertEqual(self.up(*self.session_sql)['applied'], 0)
        self.json('status', '--check')
        self.json('verify')
        after = expected(name, '.afterdown.sql')
        if after is None:
            return
        downs = manifest(name, 'down')
        if downs and set(downs) & set(manifest(name, 'up')) == set():
            self.assertEqual([s['path'] for s in self.json('plan', 'down', '--all')['steps']], downs)
        self.json('down', '--all', *self.session_sql)
        self.same(self.dump(), after, name + ' down')
        self.up(*self.session_sql)
        self.same(self.dump(), expected(name, '.sql'), name + ' up again')

    def fails_at(self, name, number, mend):
        """As with the vendor's client; what is before it stays, and with the cause mended the rest follows."""
        self.set_up(name)
        path = manifest(name, 'up')[number - 1]
        for _ in range(2):
            error = self.fails('E_SQL', 'up')
            self.assertEqual(error['path'], path)
        states = [m['state'] for m in self.json('status')['migrations']]
        self.assertEqual(states[:number - 1], ['applied'] * (number - 1))
        self.assertIn(states[number - 1], ('failed', 'pending'))
        self.assertEqual(set(states[number:]), {'pending'})
        text = read(name, path)
        self.assertNotEqual(mend(text), text)
        self.file(path, mend(text))
        self.up()
        self.check()


def add(name):
    def test(self):
        if expected(name, '.sql') is None:
            number, mend = {'keto_mysql': (11, lambda t: '-- the constraint has another name here\n'),
                            'openfga_mysql': (7, lambda t: t.replace('user ON tuple LOCK = NONE', 'user ON tuple'))}[name]
            self.fails_at(name, number, mend)
        else:
            self.up_and_down(name)
    setattr(Corpora, 'test_' + name, test)


for one in names():
    add(one)
if not names():
    Corpora.test_none = lambda self: None
