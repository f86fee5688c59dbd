// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { scratch } = require('./helper.js');

test('the first lines of the guide work when pasted', (t) => {
  const guide = fs.readFileSync(path.join(__dirname, '../../../docs/guide/node.md'), 'utf8');
  const code = /```js\n([^]*?)```/.exec(guide)[1];
  const { dir } = scratch(t);
  fs.mkdirSync(path.join(dir, 'node_modules'));
  fs.symlinkSync(path.join(__dirname, '..'), path.join(dir, 'node_modules', 'libmigrate'));
  fs.writeFileSync(path.join(dir, 'app.js'), code);
  const run = spawnSync(process.execPath, ['app.js'], { cwd: dir, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /^1 applied/);
});
