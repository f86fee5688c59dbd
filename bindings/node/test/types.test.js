// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const libmigrate = require('..');

const tsc = process.env.LIBMIGRATE_TSC;

test('tsc --strict', { skip: tsc ? false : 'no TypeScript: set LIBMIGRATE_TSC' }, () => {
  const run = spawnSync(process.execPath, [tsc, '-p', __dirname], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout);
});

test('every class and method of the types is there', () => {
  const text = require('node:fs').readFileSync(require.resolve('../lib/index.d.ts'), 'utf8');
  for (const [, name] of text.matchAll(/^export (?:class|const) (\w+)/gm)) assert.ok(name in libmigrate, name);
  const body = /export class Migrator \{([^]*?)\n\}/.exec(text)[1];
  for (const [, name] of body.matchAll(/^ {2}(\w+)\(/gm)) assert.ok(name in libmigrate.Migrator.prototype, name);
});
