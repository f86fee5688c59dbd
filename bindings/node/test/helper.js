// SPDX-License-Identifier: Apache-2.0
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/* A folder of the test's own, with `files` in migrations/, gone at its end. */
function scratch(t, files = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'libmigrate-node-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const source = path.join(dir, 'migrations');
  fs.mkdirSync(source);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(source, name), text);
  const file = path.join(dir, 'app.db');
  const config = { database: `sqlite:${file}`, source };
  return { dir, file, config, ...config };
}

/* What another program sees in an SQLite file: an array of rows of text. */
function sqlite(file, sql) {
  const script = 'import json,sqlite3,sys\n' +
    'print(json.dumps([list(r) for r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]))';
  return JSON.parse(execFileSync('python3', ['-c', script, file, sql], { encoding: 'utf8' }));
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* The server that the tests were started under: {kind, url, create(): URL of a new database}, or null. */
function theServer() {
  const url = process.env.PG_URL ?? process.env.MYSQL_URL;
  if (!url) return null;
  let n = 0;
  return {
    kind: process.env.PG_URL ? 'postgres' : 'mysql',
    url,
    async create() {
      const name = `node_${process.pid}_${n++}`;
      await command(url, `CREATE DATABASE ${name}`);
      const made = new URL(url);
      made.pathname = `/${name}`;
      return made.href;
    },
  };
}

/* One statement on a server, by a connection of its own. */
async function command(url, sql) {
  const { Migrator } = require('..');
  const m = new Migrator({ database: url, source: null, init_sql: sql });
  try {
    await m.open();
  } finally {
    await m.close();
  }
}

/* What a query says, asked by a migration that leaves its history elsewhere. */
async function rows(url, sql) {
  const { Migrator } = require('..');
  const m = new Migrator({ database: url, source: null, table_prefix: `scratch_${process.hrtime.bigint()}_` });
  let found;
  m.add({ path: '1_x.js', up: async ({ execute }) => { found = await execute(sql); } });
  try {
    await m.up();
  } finally {
    await m.close();
  }
  return found;
}

/* A Node process that runs `script` with `require('libmigrate')` as it is in the package: {signal, status, out, err}. */
async function node(script, env = {}, args = []) {
  const child = spawn(process.execPath, ['-e', script, ...args],
    { cwd: path.join(__dirname, '..'), env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (data) => { out += data; });
  child.stderr.on('data', (data) => { err += data; });
  return new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal, out, err })));
}

module.exports = { scratch, sqlite, sleep, theServer, command, rows, node };
