// SPDX-License-Identifier: Apache-2.0
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Migrator } = require('./migrator.js');
const errors = require('./errors.js');

/* A migrated database for each test: the migrations run once, and each test gets a clone. */

const IN_USE = '55006', EXISTS = ['42P04', '23505'];
const PATIENCE_MS = 60000;

const made = []; // templates of this process: {kind, server, source, options, template}

/* The template for these migrations, made by `make` where this process has none. */
function template(kind, server, { source = 'migrations', options = {}, ...rest }, make) {
  const same = JSON.stringify(options);
  let found = made.find((one) => one.kind === kind && one.server === server && one.source === source &&
    one.options === same);
  if (!found) {
    found = { kind, server, source, options: same, template: make({ source, options, ...rest }) };
    made.push(found);
    found.template.catch(() => made.splice(made.indexOf(found), 1));
  }
  return found.template;
}

async function migrate(config) {
  const migrator = new Migrator(config);
  try {
    await migrator.up();
  } finally {
    await migrator.close();
  }
}

function finally_(t, fn) {
  if (typeof t?.after !== 'function') throw errors.caller('E_ARGUMENT', 100, 'the first argument is the test\'s context');
  t.after(fn);
}

/* ---- SQLite: a copy of the file ---- */

async function sqliteTemplate({ source, options }) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'libmigrate-template-'));
  process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'template.db');
  await migrate({ ...options, database: `sqlite:${file}`, source });
  return file;
}

async function migratedSqlite(t, config = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'libmigrate-test-'));
  finally_(t, () => fs.rmSync(dir, { recursive: true, force: true }));
  const from = await template('sqlite', null, config, sqliteTemplate);
  const file = path.join(dir, 'test.db');
  for (const end of ['', '-wal']) if (fs.existsSync(from + end)) fs.copyFileSync(from + end, file + end);
  return { url: `sqlite:${file}`, path: file };
}

/* ---- PostgreSQL: a database made from a template ---- */

/* One statement, sent as a connection is made: it needs no other client, and leaves nothing behind. */
async function onServer(server, sql) {
  const migrator = new Migrator({ database: server, source: null, init_sql: sql, log_level: 'error' });
  try {
    await migrator.open();
  } finally {
    await migrator.close();
  }
}

function withDatabase(server, name) {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function hashOf(source, options) {
  const migrator = new Migrator({ ...options, source });
  try {
    return crypto.createHash('sha256').update(JSON.stringify([await migrator.hash(), options])).digest('hex');
  } finally {
    await migrator.close();
  }
}

/* Another session in a database that is copied or dropped keeps the server from it, for a moment: somebody who looks
 * whether the template is current, a vacuum, a client that is being ended. */
async function patiently(server, sql) {
  for (const began = Date.now(); ;) {
    try {
      return await onServer(server, sql);
    } catch (error) {
      if (error.sqlstate !== IN_USE || Date.now() - began > PATIENCE_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const create = (server, name) => patiently(server, `CREATE DATABASE "${name}"`);
const clone = (server, from, name) => patiently(server, `CREATE DATABASE "${name}" TEMPLATE "${from}"`);
const drop = (server, name) => patiently(server, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);

/* Of this process, and gone with it. */
async function ownTemplate(server, { source, options }) {
  const name = `libmigrate_template_${crypto.randomUUID().replaceAll('-', '')}`;
  await create(server, name);
  process.once('beforeExit', () => drop(server, name).catch(() => {}));
  await migrate({ ...options, database: withDatabase(server, name), source });
  return name;
}

/* Of all processes that have the same migrations, and kept: who comes first makes it. */
async function sharedTemplate(server, { source, options }) {
  const name = `libmigrate_template_${(await hashOf(source, options)).slice(0, 32)}`;
  await create(server, name).catch((error) => {
    if (!EXISTS.includes(error.sqlstate)) throw error;
  });
  await migrate({ ...options, database: withDatabase(server, name), source });
  return name;
}

async function migratedPostgres(t, config = {}) {
  const server = String(config.server ?? process.env.MIGRATE_TEST_POSTGRES ?? '');
  if (!server) throw errors.caller('E_ARGUMENT', 100, 'no `server` was given, nor $MIGRATE_TEST_POSTGRES');
  const name = `libmigrate_test_${crypto.randomUUID().replaceAll('-', '')}`;
  finally_(t, () => drop(server, name));
  const make = config.reuse ? sharedTemplate : ownTemplate;
  const from = await template('postgres', server, config, (what) => make(server, what));
  await clone(server, from, name);
  return { url: withDatabase(server, name), name };
}

module.exports = { migratedSqlite, migratedPostgres };
