// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { scratch, sqlite, sleep } = require('./helper.js');

const BIN = path.join(__dirname, '..', 'bin', 'libmigrate.js');

function cli(at, ...args) {
  return spawnSync(process.execPath, [BIN, '-d', at.database, '-s', at.source, ...args], { encoding: 'utf8' });
}

test('the verbs', (t) => {
  const at = scratch(t, { '1_a.up.sql': 'CREATE TABLE a (x);\n', '1_a.down.sql': 'DROP TABLE a;\n',
    '2_b.js': "exports.up = ({ execute }) => execute('INSERT INTO a VALUES (5)');\n" });
  assert.equal(cli(at, 'status', '--check').status, 4);
  assert.match(cli(at, 'plan', '--sql', '--to', '1').stdout, /CREATE TABLE a/);
  const up = cli(at, '--json', 'up');
  assert.equal(up.status, 0, up.stderr);
  assert.equal(JSON.parse(up.stdout).applied, 2);
  assert.deepEqual(sqlite(at.file, 'SELECT x FROM a'), [[5]]);
  assert.equal(cli(at, 'status', '--check').status, 0);
  assert.equal(cli(at, 'verify').status, 0);
  assert.match(cli(at, 'hash').stdout, /^sha256:/);
  assert.match(cli(at, 'version').stdout, /^libmigrate \d/);
  assert.equal(cli(at, 'down', '--all').status, 4);
});

test('failures', (t) => {
  const at = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\nnonsense;\n' });
  const up = cli(at, '--json', 'up');
  assert.equal(up.status, 6);
  assert.equal(JSON.parse(up.stdout).error.line, 2);
  assert.match(up.stderr, /^error: 1_a\.sql:2/);
  for (const args of [[], ['dance'], ['up', '--steps', 'x'], ['up', '--nope'], ['-o', 'x', 'up'], ['resolve', '1']]) {
    assert.equal(cli(at, ...args).status, 1, args.join(' '));
  }
});

test('SIGTERM stops', async (t) => {
  const at = scratch(t, { '1_a.js': `exports.up = () => { require('node:fs').writeFileSync(__dirname + '/../begun', '');
    return new Promise(() => {}); };\n` });
  const child = spawn(process.execPath, [BIN, '-d', at.database, '-s', at.source, 'up']);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  while (!fs.existsSync(path.join(at.dir, 'begun')) && child.exitCode === null) await sleep(20);
  child.kill('SIGTERM');
  assert.equal(await ended, 7);
});
