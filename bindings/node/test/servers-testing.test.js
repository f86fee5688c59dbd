// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Migrator } = require('..');
const { node, rows, theServer } = require('./helper.js');

const server = theServer();
const skip = server?.kind === 'postgres' ? false : 'PostgreSQL only';

const left = (like) => rows(server.url, `SELECT datname FROM pg_database WHERE datname LIKE '${like}' ORDER BY 1`);

/* A file of tests, as an application has it. */
const FILE = (reuse) => `const { test } = require('node:test');
  const assert = require('node:assert/strict');
  const { Migrator } = require('libmigrate');
  const { migratedPostgres } = require('libmigrate/testing');
  const source = [{ path: '1_a.sql', text: 'CREATE TABLE a (x int);' }];
  const names = new Set();
  for (let i = 0; i < 3; i++) test('number ' + i, async (t) => {
    const { url, name } = await migratedPostgres(t, { source, server: process.env.PG_URL, reuse: ${reuse} });
    names.add(name);
    assert.equal(names.size, i + 1);
    const m = new Migrator({ database: url, source });
    assert.equal((await m.status()).state, 'current');
    m.close(); // a connection that is still there does not keep the database
  });`;

test('each test has a migrated PostgreSQL database of its own', { skip }, async () => {
  const run = await node(FILE(false));
  assert.equal(run.status, 0, run.out + run.err);
  assert.deepEqual(await left('libmigrate_t%'), []);
});

test('processes side by side share a template', { skip }, async () => {
  const runs = await Promise.all([1, 2, 3].map(() => node(FILE(true))));
  for (const run of runs) assert.equal(run.status, 0, run.out + run.err);
  assert.equal((await left('libmigrate_template_%')).length, 1);
  assert.deepEqual(await left('libmigrate_test_%'), []);
});

test('without a server it says so', { skip }, async (t) => {
  const { migratedPostgres } = require('../lib/testing.js');
  await assert.rejects(migratedPostgres(t, {}), (e) => e.status === 'E_ARGUMENT');
  const m = new Migrator({ database: server.url, source: null });
  await m.open();
  await m.close();
});
