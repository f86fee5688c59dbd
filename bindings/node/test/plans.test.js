// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Migrator, CallerError, MigrateError } = require('..');
const { scratch, sqlite } = require('./helper.js');

const FILES = { '1_a.sql': 'CREATE TABLE a (x);\n', '2_b.sql': '-- two\nINSERT INTO a VALUES (1);\nDROP TABLE a;\n' };

function open(t, config = {}) {
  const at = scratch(t, FILES);
  const m = new Migrator({ ...at.config, ...config });
  t.after(() => m.close());
  return { m, ...at };
}

test('a plan is applied as it was made, by whomever', async (t) => {
  const { m, file, config } = open(t);
  const plan = await m.plan({ steps: 1 });
  const other = new Migrator(config);
  assert.equal((await other.apply(plan)).applied, 1);
  await other.close();
  assert.deepEqual(sqlite(file, 'SELECT count(*) FROM a'), [[0]]);
  await assert.rejects(m.apply(plan), (e) => e.status === 'E_STALE');
});

test('not when a file changed', async (t) => {
  const { m, source } = open(t);
  const plan = await m.plan();
  fs.appendFileSync(path.join(source, '2_b.sql'), 'SELECT 1;\n');
  await assert.rejects(m.apply(plan), (e) => e.status === 'E_STALE');
  await assert.rejects(m.statements(plan, 1), (e) => e.status === 'E_STALE' || e.status === 'E_SOURCE_MOVED');
});

test('its statements and its script', async (t) => {
  const { m } = open(t);
  const plan = await m.plan();
  assert.deepEqual((await m.statements(plan, 1)).map(({ text, line, destructive }) => [text, line, destructive]),
    [['INSERT INTO a VALUES (1)', 2, false], ['DROP TABLE a', 3, true]]);
  const script = await m.script(await m.plan({ steps: 1 }));
  assert.match(script, /CREATE TABLE a/);
  assert.doesNotMatch(script, /INSERT INTO a VALUES/);
});

test('it outlives its Migrator, and one call at a time works on it', async (t) => {
  const { m, config } = open(t);
  const plan = await m.plan();
  await m.close();
  const [one, two] = [new Migrator(config), new Migrator(config)];
  const results = await Promise.allSettled([one.apply(plan), two.apply(plan)]);
  assert.deepEqual(results.map((r) => r.status).sort(), ['fulfilled', 'rejected']);
  assert.equal(results.find((r) => r.reason).reason.status, 'E_MISUSE');
  await Promise.all([one.close(), two.close()]);
});

test('garbage', async (t) => {
  const { m } = open(t);
  const plan = await m.plan();
  for (const junk of [undefined, null, 0, '', 'x', {}, [], { ...plan }, { steps: [1] }, Symbol('x'), () => {}]) {
    await assert.rejects(m.apply(junk), CallerError);
    await assert.rejects(m.statements(junk, 0), CallerError);
  }
  for (const index of [-1, 2, 1.5, NaN, '0', null, undefined, 1n, {}]) await assert.rejects(m.statements(plan, index), CallerError);
});

test('migrations that are added join those of the source', async (t) => {
  const { m, file } = open(t, { source: null });
  m.add({ path: '1_a.sql', text: 'CREATE TABLE a (x);' });
  m.add({ path: '2_b.js', up: ({ execute }) => execute('INSERT INTO a VALUES (5)'), down: ({ execute }) => execute('DELETE FROM a') });
  assert.equal((await m.up()).applied, 2);
  assert.deepEqual(sqlite(file, 'SELECT x FROM a'), [[5]]);
  assert.equal((await m.down()).reverted, 1);
  assert.throws(() => m.add({ path: '1_a.sql', text: '' }), (e) => e.status === 'E_DUPLICATE');
  for (const junk of [undefined, null, 1, {}, { path: 1 }, { path: 'x.sql' }, { path: '7_x.js', up: 1 }]) {
    assert.throws(() => m.add(junk), MigrateError);
  }
  const up = m.up();
  assert.throws(() => m.add({ path: '9_x.sql', text: '' }), (e) => e.status === 'E_MISUSE');
  assert.throws(() => m.option('lock'), (e) => e.status === 'E_MISUSE');
  await up;
});

test('a callback cannot use its own Migrator, but another one', async (t) => {
  const { m, config } = open(t);
  let own, others;
  m.add({ path: '3_c.js', up: async () => {
    own = await m.status().then(() => null, (e) => e);
    const all = Array.from({ length: 6 }, () => new Migrator({ ...config, missing: 'allow' }));
    others = await Promise.all(all.map((one) => one.hash()));
    await Promise.all(all.map((one) => one.close()));
    await assert.rejects(m.close(), (e) => e.status === 'E_MISUSE');
  } });
  assert.equal((await m.up()).applied, 3);
  assert.equal(own.status, 'E_MISUSE');
  assert.equal(others.length, 6);
  assert.equal((await m.status()).state, 'current', 'and it is usable afterwards');
});

test('a call from within a call finds a thread', async (t) => {
  const outer = Array.from({ length: 6 }, () => open(t));
  await Promise.all(outer.map(async ({ m }) => {
    m.add({ path: '3_c.js', up: async () => {
      const { m: inner } = open(t);
      await inner.up();
    } });
    assert.equal((await m.up()).applied, 3);
  }));
});
