// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { node, scratch, sqlite } = require('./helper.js');

/* What calls the function: a person or pipeline, Step Functions, SQS, CloudFormation, the CDK's Provider framework. */

const addon = process.env.LIBMIGRATE_NODE_ADDON;
const there = addon && fs.existsSync(path.join(path.dirname(addon), 'libmigrate-lambda.node'));
const skip = there ? false : 'built without libmigrate-aws';
const FILES = { '1_a.sql': 'CREATE TABLE a (x);\n', '2_b.sql': 'CREATE TABLE b (x);\n' };

/* One process is one function, configured by its environment; it serves `events`, one after the other. */
async function invoke(at, events, environment = {}) {
  const script = `const { handler } = require('libmigrate/lambda');
    (async () => {
      const answers = [];
      for (const [i, event] of JSON.parse(process.env.EVENTS).entries()) {
        answers.push(await handler(event, { awsRequestId: 'r' + i, getRemainingTimeInMillis: () => 30000,
          invokedFunctionArn: 'arn:aws:lambda:eu-west-1:1:function:m' })
          .then((ok) => ({ ok }), (e) => ({ name: e.name, message: e.message, reply: e.reply })));
      }
      process.stdout.write(JSON.stringify(answers));
    })();`;
  const run = await node(script, { MIGRATE_DATABASE_URL: at.database, MIGRATE_SOURCE: at.source, EVENTS: JSON.stringify(events),
    ...environment });
  assert.equal(run.status, 0, run.err);
  at.log = run.out.slice(0, run.out.lastIndexOf('\n[') + 1) + run.err;
  return JSON.parse(run.out.slice(run.out.lastIndexOf('\n[') + 1));
}

test('an invocation migrates, and says what failed', { skip }, async (t) => {
  const at = scratch(t, FILES);
  const [plan, up, again, status] = await invoke(at, [{ command: 'plan', sql: true }, null, {}, { command: 'status' }]);
  assert.equal(plan.ok.steps.length, 2);
  assert.match(at.log, /2 b applied/, 'the log of the function');
  assert.deepEqual([up.ok.applied, again.ok.applied, status.ok.state], [2, 0, 'current']);
  fs.writeFileSync(path.join(at.source, '3_c.sql'), 'SELECT 1;\nnonsense;\n');
  const [failed, denied] = await invoke(at, [{}, { command: 'down' }]);
  assert.equal(failed.name, 'E_SQL');
  assert.match(failed.message, /3_c\.sql:2/);
  assert.equal(failed.reply.error.line, 2);
  assert.match(denied.message, /MIGRATE_EVENT_ALLOW/);
});

test('migrations in JavaScript are refused, not passed over', { skip }, async (t) => {
  const at = scratch(t, { ...FILES, '3_c.js': 'exports.up = () => {};\n' });
  const [up, status] = await invoke(at, [{}, { command: 'status' }]);
  for (const { name, message } of [up, status]) {
    assert.equal(name, 'E_UNSUPPORTED');
    assert.match(message, /3_c\.js is JavaScript/);
  }
  assert.equal(fs.existsSync(at.file), false);
});

test('many databases: items, and a Distributed Map of Step Functions', { skip }, async (t) => {
  const at = scratch(t, FILES);
  const url = (name) => `sqlite:${path.join(at.dir, name)}`;
  const [items, map] = await invoke(at, [
    { items: [{ database: url('a'), id: 'first' }, { database: 'nonsense', id: 2 }] },
    { BatchInput: { to: '1' }, Items: [{ database: url('b') }] },
  ], { MIGRATE_EVENT_ALLOW: 'up,database' });
  assert.equal(items.ok.failed, 1);
  assert.deepEqual(items.ok.results.map((r) => [r.id, r.ok]), [['first', true], [2, false]]);
  assert.equal(map.ok.results[0].version, '1');
});

test('messages of SQS', { skip }, async (t) => {
  const at = scratch(t, FILES);
  const message = (id, body) => ({ messageId: id, receiptHandle: 'h', body: JSON.stringify(body), attributes: {},
    messageAttributes: {}, md5OfBody: '', eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:eu-west-1:1:q', awsRegion: 'eu-west-1' });
  const [{ ok }] = await invoke(at, [{ Records: [message('one', {}), message('two', { command: 'explode' })] }]);
  assert.deepEqual(ok, { batchItemFailures: [{ itemIdentifier: 'two' }] });
  assert.deepEqual(sqlite(at.file, 'SELECT count(*) FROM b'), [[0]]);
});

function stackEvent(type, url, more = {}) {
  return { RequestType: type, ServiceToken: 'arn:aws:lambda:eu-west-1:1:function:m', ResponseURL: url,
    StackId: 'arn:aws:cloudformation:eu-west-1:1:stack/s/1', RequestId: `${type}-1`, LogicalResourceId: 'Migration',
    ResourceType: 'Custom::Migration', ResourceProperties: {}, ...more };
}

test('a custom resource of CloudFormation', { skip }, async (t) => {
  const at = scratch(t, FILES);
  const put = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => { body += piece; }).on('end', () => { put.push(JSON.parse(body)); response.end(); });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/arn?Signature=x`;
  const answers = await invoke(at, [stackEvent('Create', url), stackEvent('Delete', url, { PhysicalResourceId: 'kept' })],
    { MIGRATE_MODE: 'cfn' });
  assert.deepEqual(answers, [{ ok: {} }, { ok: {} }]);
  assert.deepEqual(put.map((p) => [p.Status, p.LogicalResourceId]), [['SUCCESS', 'Migration'], ['SUCCESS', 'Migration']]);
  assert.equal(put[0].Data.Applied, '2');
  assert.equal(put[1].PhysicalResourceId, 'kept');
});

test('the CDK\'s Provider framework: onEvent and isComplete', { skip }, async (t) => {
  const at = scratch(t, FILES);
  const event = stackEvent('Create', 'https://cloudformation.invalid/');
  const [{ ok }] = await invoke(at, [event], { MIGRATE_MODE: 'cdk-provider' });
  assert.match(ok.PhysicalResourceId, /^migrate-[0-9a-f]{24}$/);
  assert.equal(ok.Data.Version, '2');
  const [done] = await invoke(at, [{ ...event, PhysicalResourceId: ok.PhysicalResourceId }], { MIGRATE_MODE: 'cdk-is-complete' });
  assert.equal(done.ok.IsComplete, true);
});

test('garbage, and invocations at the same time', { skip }, async (t) => {
  const at = scratch(t, FILES);
  const junk = [1, 'x', [], true, { command: 7 }, { command: 'x' }, { to: {} }, { Records: 7 }, { items: 'x' }, { Items: [null] }];
  for (const { name, message } of (await invoke(at, junk)).filter((a) => !a.ok)) {
    assert.match(name, /^E_/);
    assert.equal(typeof message, 'string');
  }
  const run = await node(`const { handler } = require('libmigrate/lambda');
    Promise.all([handler({}), handler(undefined, null), handler({ command: 'status' }, {})]).then((all) => {
      process.stdout.write('\\n[' + all.map((a) => a.state).join());
      process.kill(process.pid, 'SIGTERM'); // nothing runs: it ends as without us
      setTimeout(() => {}, 60000);
    });`, { MIGRATE_DATABASE_URL: at.database, MIGRATE_SOURCE: at.source });
  assert.deepEqual([run.out.split('[').pop(), run.signal], ['current,current,current', 'SIGTERM'], run.err);
});
