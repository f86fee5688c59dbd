// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Migrator } = require('..');
const { migratedSqlite } = require('../lib/testing.js');
const { node, scratch, sqlite } = require('./helper.js');

test('each test has a migrated SQLite database of its own', async (t) => {
  const ran = path.join(scratch(t).dir, 'ran');
  const source = [{ path: '1_a.sql', text: 'CREATE TABLE a (x);' },
    { path: '2_b.js', up: async ({ execute }) => { fs.appendFileSync(ran, '.'); await execute('INSERT INTO a VALUES (1)'); } }];
  const files = [];
  for (let i = 0; i < 3; i++) {
    await t.test(`number ${i}`, async (one) => {
      const { url, path: file } = await migratedSqlite(one, { source });
      files.push(file);
      assert.deepEqual(sqlite(file, 'SELECT x FROM a'), [[1]]);
      const m = new Migrator({ database: url, source });
      assert.equal((await m.status()).state, 'current');
      await m.close();
    });
  }
  assert.equal(new Set(files).size, 3);
  assert.deepEqual(files.filter((file) => fs.existsSync(file)), []);
  assert.equal(fs.readFileSync(ran, 'utf8'), '.', 'the migrations ran once');
});

test('migrations that fail are told by each test', async (t) => {
  const source = [{ path: '1_a.sql', text: 'nonsense;' }];
  for (let i = 0; i < 2; i++) await assert.rejects(migratedSqlite(t, { source }), (e) => e.status === 'E_SQL');
  await assert.rejects(migratedSqlite(null, { source }), (e) => e.status === 'E_ARGUMENT');
});

test('nothing is left in the folder of temporary files', async (t) => {
  const { dir } = scratch(t);
  const run = await node(`const { test } = require('node:test'); const { migratedSqlite } = require('libmigrate/testing');
    test('x', (t) => migratedSqlite(t, { source: [{ path: '1_a.sql', text: 'SELECT 1;' }] }));`, { TMPDIR: dir });
  assert.equal(run.status, 0, run.out + run.err);
  assert.deepEqual(fs.readdirSync(dir).filter((name) => name.startsWith('libmigrate-')), []);
});
