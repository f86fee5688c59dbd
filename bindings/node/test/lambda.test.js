// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { scratch, sqlite } = require('./helper.js');

const addon = process.env.LIBMIGRATE_NODE_ADDON;
const there = addon && fs.existsSync(path.join(path.dirname(addon), 'libmigrate-lambda.node'));
const skip = there ? false : 'built without libmigrate-aws';

/* One process is one function: the handler is configured by its environment. */
function invoke(at, event) {
  const script = `require('libmigrate/lambda').handler(${JSON.stringify(event)}, { awsRequestId: 'r1',
      getRemainingTimeInMillis: () => 30000, invokedFunctionArn: 'arn:aws:lambda:eu-west-1:1:function:m' })
    .then((v) => console.log(JSON.stringify({ ok: v })), (e) => console.log(JSON.stringify({ name: e.name, message: e.message })))`;
  const run = spawnSync(process.execPath, ['-e', script], { cwd: path.join(__dirname, '..'), encoding: 'utf8',
    env: { ...process.env, MIGRATE_MODE: 'direct', MIGRATE_DATABASE_URL: at.database, MIGRATE_SOURCE: at.source } });
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stdout);
}

test('an invocation migrates', { skip }, (t) => {
  const at = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\n' });
  const first = invoke(at, {});
  assert.ok(first.ok, JSON.stringify(first));
  assert.deepEqual(sqlite(at.file, 'SELECT count(*) FROM a'), [[0]]);
  fs.writeFileSync(path.join(at.source, '2_b.sql'), 'nonsense;\n');
  const failed = invoke(at, {});
  assert.equal(failed.name, 'E_SQL', JSON.stringify(failed));
});
