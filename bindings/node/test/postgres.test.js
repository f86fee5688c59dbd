// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Migrator, DatabaseError, Stopped } = require('..');
const { scratch } = require('./helper.js');

const url = process.env.PG_URL;
const skip = url ? false : 'no server: run by tests/tools/with_pg.sh';

function open(t, files, config = {}) {
  const table_prefix = `${t.name.replace(/\W/g, '_').slice(0, 20)}_`; // a history of each test's own
  const m = new Migrator({ ...scratch(t, files).config, database: url, table_prefix, ...config });
  t.after(() => m.close());
  return m;
}

test('sql and code', { skip }, async (t) => {
  const files = {
    '1_a.sql': 'CREATE TABLE pg_a (x int, y text);\n',
    '2_b.js': `exports.up = async ({ execute }) => {
      await execute('INSERT INTO pg_a VALUES (?, ?)', [7, "it's é"]);
      const rows = await execute('SELECT x, y, NULL FROM pg_a');
      if (JSON.stringify(rows) !== '[["7","it\\'s é",null]]') throw new Error(JSON.stringify(rows));
    };
    exports.down = ({ execute }) => execute('DELETE FROM pg_a');`,
  };
  const m = open(t, files);
  const done = await m.up();
  assert.equal(done.applied, 2);
  assert.equal(done.database, 'postgres');
  assert.equal((await m.down()).reverted, 1);
  assert.equal((await m.up()).state, 'current');
  await m.verify();
});

test('errors have the SQLSTATE', { skip }, async (t) => {
  const m = open(t, { '1_a.sql': 'SELECT 1;\n\nSELECT * FROM nowhere_at_all;\n' });
  const error = await m.up().then(() => null, (e) => e);
  assert.ok(error instanceof DatabaseError);
  assert.equal(error.sqlstate, '42P01');
  assert.equal(error.line, 3);
});

test('code can catch a failed statement, whose transaction is then over', { skip }, async (t) => {
  const m = open(t, { '1_a.js': `exports.up = async ({ execute }) => {
    await execute('SELECT * FROM nowhere_at_all').catch((e) => { globalThis.caught = e; });
  };` });
  await assert.rejects(m.up());
  assert.equal(globalThis.caught.sqlstate, '42P01');
  assert.equal((await m.status()).pending, 1);
});

test('a running statement is cancelled', { skip }, async (t) => {
  const m = open(t, { '1_a.sql': 'SELECT pg_sleep(60);\n' });
  const began = Date.now();
  await assert.rejects(m.up({ signal: AbortSignal.timeout(300) }), Stopped);
  assert.ok(Date.now() - began < 5000);
  assert.equal((await m.lock()).state, 'free');
});

test('credentials are asked for', { skip }, async (t) => {
  const asked = [];
  const bare = url.replace('postgres@', '');
  const m = open(t, { '1_a.sql': 'SELECT 1;\n' }, { database: bare,
    credentials: async (question) => { asked.push(question); return { user: 'postgres' }; } });
  await m.up();
  assert.equal(asked[0].reason, 'first');
  assert.match(asked[0].url, /^postgres:/);
  const oops = new Error('vault is sealed');
  const sealed = open(t, {}, { credentials: () => { throw oops; } });
  await assert.rejects(sealed.status(), (e) => e === oops);
});

test('eight at once on one database', { skip }, async (t) => {
  const files = { '1_a.sql': 'CREATE TABLE pg_once (x int);\n',
    '2_b.js': "exports.up = ({ execute }) => execute('INSERT INTO pg_once VALUES (1)');\n" };
  const all = Array.from({ length: 8 }, () => open(t, files));
  const reports = await Promise.all(all.map((m) => m.up()));
  assert.equal(reports.reduce((n, r) => n + r.applied, 0), 2);
});
