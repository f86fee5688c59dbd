// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { rows, scratch, theServer } = require('./helper.js');

const EXAMPLE = path.join(__dirname, '../../../examples/express');
const server = theServer();
const tools = path.join(process.env.LIBMIGRATE_NODE_TOOLS ?? '', 'node_modules');

function reason() {
  if (server?.kind !== 'postgres') return 'PostgreSQL only';
  return ['express', 'pg'].every((name) => fs.existsSync(path.join(tools, name))) ? false : 'no express or pg package';
}

/* The example with its dependencies beside it, as npm would put them. */
function project(t) {
  const { dir } = scratch(t);
  const at = path.join(dir, 'app');
  fs.cpSync(EXAMPLE, at, { recursive: true });
  fs.mkdirSync(path.join(dir, 'node_modules'));
  for (const name of fs.readdirSync(tools)) fs.symlinkSync(path.join(tools, name), path.join(dir, 'node_modules', name));
  fs.symlinkSync(path.join(__dirname, '..'), path.join(dir, 'node_modules', 'libmigrate'));
  return at;
}

/* Starts it; its port when it listens. */
function start(t, at, database) {
  const child = spawn(process.execPath, ['server.js'], { cwd: at, env: { ...process.env, DATABASE_URL: database, PORT: '0' } });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  const ended = new Promise((resolve) => child.on('close', (status) => resolve({ status, said })));
  child.stderr.on('data', (data) => { said += data; });
  const port = new Promise((resolve) => child.stdout.on('data', (data) => {
    said += data;
    const match = /listening on (\d+)/.exec(said);
    if (match) resolve(Number(match[1]));
  }));
  return { child, ended, listening: Promise.race([port, ended.then(() => null)]) };
}

test('an Express application migrates before it listens, however many start', { skip: reason() }, async (t) => {
  const at = project(t);
  const database = await server.create();
  const instances = [1, 2, 3].map(() => start(t, at, database));
  for (const { listening, ended } of instances) {
    const port = await listening;
    assert.ok(port, port === null && JSON.stringify(await ended));
    const notes = await (await fetch(`http://127.0.0.1:${port}/notes`)).json();
    assert.deepEqual(notes.map((note) => note.text), ['welcome']);
  }
  assert.deepEqual(await rows(database, 'SELECT count(*) FROM notes'), [['1']]);
  for (const { child } of instances) child.kill('SIGTERM');
  for (const { ended } of instances) assert.equal((await ended).status, 0, (await ended).said);
});

test('and does not listen when a migration fails', { skip: reason() }, async (t) => {
  const at = project(t);
  fs.writeFileSync(path.join(at, 'migrations', '0003_bad.up.sql'), 'SELECT * FROM nowhere;\n');
  const { listening, ended } = start(t, at, await server.create());
  assert.equal(await listening, null);
  const { status, said } = await ended;
  assert.equal(status, 1);
  assert.match(said, /0003_bad\.up\.sql:1/);
});
