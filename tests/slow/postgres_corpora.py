# SPDX-License-Identifier: Apache-2.0
"""Real projects' migrations on a server of any version, up, down and up again, against a database in which psql has run the
same files: what the two say about themselves must be the same. (On PostgreSQL 15 they are compared with recorded dumps too.)

The corpora lie in corpora/ of $MIGRATE_SHARED, or of ../shared beside the checkout; without them: exit 77."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'integration', 'postgres'))
import pgtest  # noqa: E402

SHARED = os.environ.get('MIGRATE_SHARED') or os.path.join(HERE, '..', '..', '..', 'shared')
CORPORA = os.path.join(SHARED, 'corpora')

NOT_OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
SAYS = """
SELECT 'relation', n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.reloptions::text,
       pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), pg_get_viewdef(c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOTOURS AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
   AND c.relname !~ '^migrate_' ORDER BY 2, 3;
SELECT 'column', n.nspname, c.relname, a.attname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),
       format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
       o.collname, col_description(c.oid, a.attnum)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation o ON o.oid = a.attcollation
 WHERE NOTOURS AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'c')
   AND c.relname !~ '^migrate_' ORDER BY 2, 3, 5;
SELECT 'index', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisprimary FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOTOURS AND c.relname !~ '^migrate_' ORDER BY 2;
SELECT 'constraint', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOTOURS AND c.relname !~ '^migrate_' ORDER BY 2, 3, 4;
SELECT 'routine', n.nspname, p.oid::regprocedure::text, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace WHERE NOTOURS ORDER BY 2, 3;
SELECT 'trigger', pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOTOURS AND NOT t.tgisinternal ORDER BY 2;
SELECT 'policy', schemaname, tablename, policyname, roles, cmd, qual, with_check FROM pg_policies ORDER BY 2, 3, 4;
SELECT 'type', n.nspname, t.typname, t.typtype, e.enumlabel FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_enum e ON e.enumtypid = t.oid WHERE NOTOURS AND t.typname !~ '^_?migrate_'
   AND t.typtype IN ('e', 'd', 'r') ORDER BY 2, 3, e.enumsortorder;
SELECT 'extension', extname FROM pg_extension ORDER BY 2;
SELECT 'schema', nspname FROM pg_namespace n WHERE NOTOURS ORDER BY 2;
""".replace('NOTOURS', NOT_OURS)
TABLES = ("SELECT format('SELECT %L, count(*) FROM %I.%I;', c.oid::regclass, n.nspname, c.relname) FROM pg_class c "
          'JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ' + NOT_OURS + " AND c.relkind = 'r' AND "
          "c.relname !~ '^migrate_' ORDER BY n.nspname, c.relname")


def read(*path):
    with open(os.path.join(CORPORA, *path), encoding='utf-8') as f:
        return f.read()


def optional(*path):
    return read(*path) if os.path.exists(os.path.join(CORPORA, *path)) else ''


def goose(text, section):
    """The statements of one section; psql ignores the annotations, which are comments."""
    parts = re.split(r'(?m)^-- \+goose (Up|Down)\b.*$', text)
    return ''.join(parts[i + 1] for i in range(1, len(parts), 2) if parts[i] == section)


class Corpora(pgtest.PgTest):
    def says(self, db):
        return pgtest.sql(SAYS, db) + '\n' + pgtest.sql(pgtest.sql(TABLES, db), db)

    def by_psql(self, db, name, direction):
        for line in read('manifests', '%s.%s' % (name, direction)).splitlines():
            _, how, path = line.split('\t')
            text = read(name, path)
            if how.startswith('goose-'):
                text = goose(text, how[len('goose-'):].title())
            pgtest.sql(optional('manifests', name + '.session') + '\n' + text, db)

    def corpus(self, name):
        by_us, by_psql = self.db, self.new_db()
        session = optional('manifests', name + '.session')
        options = ['-o', 'init_sql=' + session] if session else []
        source = os.path.join(CORPORA, name)
        for db in (by_us, by_psql):
            pgtest.sql(optional('manifests', name + '.setup.sql') or 'SELECT 1', db)
        self.migrate(*options, 'up', code=0, source=source)
        self.by_psql(by_psql, name, 'up')
        wanted = self.says(by_psql)
        self.assertEqual(self.says(by_us), wanted)
        if not os.path.exists(os.path.join(CORPORA, 'expected', name + '.afterdown.sql')):
            return
        self.migrate(*options, 'down', '--all', code=0, source=source)
        if optional('manifests', name + '.down'):
            self.by_psql(by_psql, name, 'down')
            self.assertEqual(self.says(by_us), self.says(by_psql))
        self.migrate(*options, 'up', code=0, source=source)
        self.assertEqual(self.says(by_us), wanted)


def add(name):
    setattr(Corpora, 'test_' + name, lambda self: self.corpus(name))


if __name__ == '__main__':
    if not os.path.isdir(CORPORA):
        print('skipped: there is no ' + CORPORA, file=sys.stderr)
        sys.exit(77)
    for one in sorted(os.listdir(CORPORA)):
        if one.endswith('_pg'):
            add(one)
    pgtest.main()
