// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Migrator, options, version, DatabaseError, CallerError, SourceError, StateError, MigrateError } = require('..');
const { scratch, sqlite } = require('./helper.js');

const FILES = {
  '1_users.up.sql': 'CREATE TABLE users (name TEXT);\n',
  '1_users.down.sql': 'DROP TABLE users;\n',
  '2_more.up.sql': "INSERT INTO users VALUES ('ada');\nINSERT INTO users VALUES ('é🙂');\n",
  '2_more.down.sql': 'DELETE FROM users;\n',
};

async function open(t, files, config = {}) {
  const at = scratch(t, files);
  const m = new Migrator({ database: at.database, source: at.source, ...config });
  t.after(() => m.close());
  return { m, ...at };
}

test('up, status, down, redo', async (t) => {
  const { m, file } = await open(t, FILES);
  const done = await m.up();
  assert.equal(done.applied, 2);
  assert.equal(done.state, 'current');
  assert.equal(done.version, '2');
  assert.deepEqual(sqlite(file, 'SELECT name FROM users ORDER BY 1'), [['ada'], ['é🙂']]);
  assert.equal((await m.up()).applied, 0);
  assert.deepEqual((await m.status()).migrations.map((x) => x.state), ['applied', 'applied']);
  assert.equal((await m.down()).reverted, 1);
  assert.deepEqual(sqlite(file, 'SELECT name FROM users'), []);
  const redone = await m.redo({ all: true });
  assert.equal(redone.reverted, 1);
  assert.equal(redone.applied, 1);
  assert.equal((await m.up({ to: '2' })).version, '2');
  assert.equal((await m.down({ all: true })).reverted, 2);
  assert.equal((await m.up({ steps: 1 })).version, '1');
});

test('results cannot be changed', async (t) => {
  const { m } = await open(t, FILES);
  const done = await m.up();
  assert.throws(() => { done.migrations[0].state = 'x'; }, TypeError);
});

test('plan, script, hash and init write nothing', async (t) => {
  const { m, file } = await open(t, FILES);
  const plan = await m.plan({ sql: true });
  assert.deepEqual(plan.steps.map((s) => s.version), ['1', '2']);
  assert.deepEqual(plan.steps[0].sql, ['CREATE TABLE users (name TEXT)']);
  assert.match(await m.script(), /CREATE TABLE users/);
  assert.match(await m.hash(), /^sha256:[0-9a-f]{64}$/);
  assert.match((await m.init({ sql: true })).text, /CREATE TABLE/);
  assert.deepEqual(sqlite(file, 'SELECT name FROM sqlite_master'), []);
});

test('a dialect needs no database', async (t) => {
  const { m, file } = await open(t, FILES);
  assert.equal((await m.plan({ dialect: 'postgres' })).steps.length, 2);
  assert.match((await m.init({ sql: true, dialect: 'mysql:8.0.36' })).text, /CREATE TABLE/);
  assert.equal(fs.existsSync(file), false);
});

test('a failing statement says where', async (t) => {
  const { m, file } = await open(t, { ...FILES, '3_bad.up.sql': 'SELECT 1;\nINSERT INTO nowhere VALUES (1);\n' });
  const error = await m.up().then(() => null, (e) => e);
  assert.ok(error instanceof DatabaseError);
  assert.ok(error instanceof MigrateError);
  assert.equal(error.name, 'DatabaseError');
  assert.equal(error.status, 'E_SQL');
  assert.equal(error.status_code, 602);
  assert.equal(error.path, '3_bad.up.sql');
  assert.equal(error.line, 2);
  assert.match(error.message, /nowhere/);
  assert.match(error.text, /3_bad\.up\.sql:2/);
  assert.equal(error.report.applied, 2);
  assert.deepEqual(sqlite(file, 'SELECT count(*) FROM users'), [[2]]);
  assert.equal((await m.status()).pending, 1);
});

test('classes of failures', async (t) => {
  assert.throws(() => new Migrator({ nonsense: 1 }), CallerError);
  assert.throws(() => new Migrator({ lock_wait: 'soon' }), (e) => e.status === 'E_OPTION');
  const { m, source } = await open(t, FILES);
  await assert.rejects(m.up({ to: '9' }), (e) => e.status === 'E_NO_VERSION');
  await m.up();
  fs.writeFileSync(path.join(source, '1_users.up.sql'), 'CREATE TABLE other (x);\n');
  await assert.rejects(m.verify(), StateError);
  fs.writeFileSync(path.join(source, '2_again.up.sql'), 'SELECT 1;\n');
  await assert.rejects(m.up(), SourceError);
  await assert.rejects(new Migrator({ source }).up(), CallerError);
  await assert.rejects(new Migrator({ source, database: 'oracle:x' }).up(), (e) => e.status === 'E_NO_DRIVER');
});

test('baseline, resolve, lock, create, wait', async (t) => {
  const { m, source } = await open(t, FILES);
  await m.wait({ timeout: '5s' });
  assert.equal((await m.baseline('1')).version, '1');
  await assert.rejects(m.resolve('1', { applied: true }), (e) => e.status === 'E_MISUSE');
  await assert.rejects(m.resolve('1'), CallerError);
  assert.equal((await m.lock()).state, 'free');
  const created = await m.create('add cats', { pair: true });
  assert.equal(created.migrations?.length ?? fs.readdirSync(source).length - 4, 2);
});

test('options are those of the library', async (t) => {
  const { m } = await open(t, FILES, { lock_wait: '3s', placeholders: { who: 'x' }, labels: ['a', 'b'] });
  assert.equal(m.option('lock_wait'), '3s');
  assert.equal(m.option('labels'), 'a,b');
  assert.equal(m.option('placeholder.who'), 'x');
  assert.ok(options.some((o) => o.key === 'lock_wait' && o.type === 'duration' && o.default === '5m'));
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

test('migrations from JavaScript', async (t) => {
  const at = scratch(t);
  let listed = 0;
  const source = {
    async list() {
      listed++;
      return [{ path: '1_a.sql' }, { path: '2_b.sql', text: Buffer.from('INSERT INTO a VALUES (2);') },
        { path: '3_c.js', up: async ({ execute }) => { await execute('INSERT INTO a VALUES (3)'); } }];
    },
    async read() { return 'CREATE TABLE a (x);'; },
  };
  const m = new Migrator({ database: at.database, source });
  assert.equal((await m.up()).applied, 3);
  assert.deepEqual(sqlite(at.file, 'SELECT x FROM a'), [[2], [3]]);
  assert.ok(listed > 0);
  await m.close();
  const list = new Migrator({ database: at.database, source: [{ path: '1_a.sql', text: 'CREATE TABLE a (x);' }],
    missing: 'allow' });
  assert.equal((await list.up()).applied, 0);
  await list.close();
  const oops = new RangeError('no migrations today');
  const broken = new Migrator({ database: at.database, source: { list() { throw oops; } } });
  await assert.rejects(broken.up(), (e) => e === oops);
  await broken.close();
});

test('a closed one says so', async (t) => {
  const { m } = await open(t, FILES);
  const up = m.up();
  const closing = m.close();
  assert.equal((await up).applied, 2);
  await closing;
  await m.close();
  await assert.rejects(m.up(), (e) => e.status === 'E_MISUSE');
  m.stop();
  m.cancel();
});

test('both ways to import', async () => {
  const module = await import('libmigrate');
  assert.equal(module.Migrator, Migrator);
  assert.equal(module.default.Migrator, Migrator);
});
