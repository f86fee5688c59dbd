// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { scratch, sqlite } = require('./helper.js');

const TOP = path.join(__dirname, '../../..');

/* Number `n` of the pieces of JavaScript in a document. */
function piece(document, n) {
  return [...fs.readFileSync(path.join(TOP, document), 'utf8').matchAll(/```js\n([^]*?)```/g)][n][1];
}

/* Runs it where the package is installed. */
function paste(dir, name, code) {
  if (!fs.existsSync(path.join(dir, 'node_modules'))) {
    fs.mkdirSync(path.join(dir, 'node_modules'));
    fs.symlinkSync(path.join(__dirname, '..'), path.join(dir, 'node_modules', 'libmigrate'));
  }
  fs.writeFileSync(path.join(dir, name), code);
  const run = spawnSync(process.execPath, [name], { cwd: dir, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  return run.stdout;
}

test('the first lines of the guide work when pasted', (t) => {
  const { dir } = scratch(t);
  assert.match(paste(dir, 'app.js', piece('docs/guide/node.md', 0)), /^1 applied/);
});

test('what README shows does', (t) => {
  const { dir, file } = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\n' });
  paste(dir, 'app.mjs', piece('README.md', 0));
  assert.deepEqual(sqlite(file, 'SELECT count(*) FROM a'), [[0]]);
});

test('what the package\'s own page shows does', (t) => {
  const { dir } = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\n' });
  assert.match(paste(dir, 'app.js', piece('bindings/node/README.md', 0)), /^1 applied/);
});

test('tests as the guide writes them', (t) => {
  const { dir } = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\n' });
  const guide = fs.readFileSync(path.join(TOP, 'docs/guide/node.md'), 'utf8');
  const [code] = /const \{ test \} = require[^]*?\n\}\);\n/.exec(guide);
  assert.match(paste(dir, 'app.js', code), /# pass 1|pass 1/);
});
