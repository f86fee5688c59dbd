// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { Migrator, Stopped } = require('..');
const { scratch, sqlite, sleep } = require('./helper.js');

/* Minutes of work for SQLite, which can be cancelled. */
const LONG = 'CREATE TABLE t AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000000000) SELECT max(n) FROM c;\n';
const FILES = { '1_a.sql': 'CREATE TABLE a (x);\n', '2_long.sql': LONG };
const PACKAGE = require.resolve('..');

test('the event loop goes on, and a signal cancels', async (t) => {
  const at = scratch(t, FILES);
  const m = new Migrator(at.config);
  let ticks = 0;
  const reason = new Error('enough');
  const abort = new AbortController();
  const timer = setInterval(() => { if (++ticks === 20) abort.abort(reason); }, 10);
  const error = await m.up({ signal: abort.signal }).then(() => null, (e) => e);
  clearInterval(timer);
  assert.ok(error instanceof Stopped, String(error));
  assert.equal(error.status, 'E_CANCELLED');
  assert.equal(error.cause, reason);
  assert.ok(ticks >= 20, `${ticks} ticks`);
  assert.equal((await m.status()).pending, 1, 'usable afterwards');
  await assert.rejects(m.up({ signal: AbortSignal.abort(reason) }), (e) => e === reason);
  await m.close();
});

test('stop between statements', async (t) => {
  const at = scratch(t, { '1_a.js': 'exports.up = () => new Promise(() => {});\n' });
  const m = new Migrator(at.config);
  const up = m.up();
  setTimeout(() => m.stop(), 100);
  await assert.rejects(up, (e) => e instanceof Stopped && e.status === 'E_STOPPED');
  assert.equal((await m.status()).pending, 1);
  await m.close();
});

test('a deadline', async (t) => {
  const m = new Migrator(scratch(t, FILES).config);
  await assert.rejects(m.up({ deadline: '500ms' }), Stopped);
  await m.close();
});

test('events, in order and before the result', async (t) => {
  const at = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\nCREATE TABLE b (x);\n' });
  const seen = [];
  const m = new Migrator({ ...at.config, onEvent: (e) => seen.push(e.event) });
  await m.up();
  for (const name of ['connected', 'run_begin', 'migration_begin', 'migration_end', 'run_end']) {
    assert.ok(seen.includes(name), `${name} of ${seen}`);
  }
  await m.close();
  const oops = new Error('listener');
  const other = new Migrator({ ...at.config, database: `${at.database}2`, onEvent: () => { throw oops; } });
  await other.up().then(() => {}, (e) => assert.equal(e, oops));
  await other.close();
});

test('a listener that fails ends its own call alone, and late ones are told of', async (t) => {
  const at = scratch(t);
  const oops = new Error('listener');
  let on = 'run_begin';
  const m = new Migrator({ ...at.config, onEvent: async (e) => { if (e.event === on) throw oops; } });
  m.add({ path: '1_a.js', up: () => (on === 'run_begin' ? new Promise(() => {}) : undefined) });
  const [first, second] = await Promise.allSettled([m.up(), m.hash()]);
  assert.equal(first.reason, oops);
  assert.match(second.value, /^sha256:/);
  on = 'run_end';
  const warned = new Promise((resolve) => process.on('warning', (w) => w.name === 'libmigrate' && resolve(w)));
  assert.equal((await m.up()).applied, 1);
  assert.match((await warned).message, /listener/);
  await m.close();
});

test('a call that waits its turn is given up at once', async (t) => {
  const m = new Migrator(scratch(t).config);
  let free;
  const abort = new AbortController();
  m.add({ path: '1_a.js', up: () => new Promise((resolve) => { free = resolve; abort.abort(); }) });
  const up = m.up();
  await assert.rejects(m.status({ signal: abort.signal }), (e) => e === abort.signal.reason);
  free();
  assert.equal((await up).applied, 1);
  await m.close();
});

test('what a callback left behind may use the Migrator', async (t) => {
  const m = new Migrator(scratch(t).config);
  let later;
  const over = new Promise((resolve) => { later = resolve; });
  let seen;
  m.add({ path: '1_a.js', up: () => { seen = over.then(() => m.status()); } });
  await m.up();
  later();
  assert.equal((await seen).state, 'current');
  await m.close();
});

test('many at once: each migration runs once', async (t) => {
  const at = scratch(t, {
    '1_a.sql': 'CREATE TABLE a (x);\n',
    '2_b.js': `const fs = require('node:fs/promises');
      exports.up = async ({ execute }) => { await fs.readFile(__filename); await execute('INSERT INTO a VALUES (1)'); };`,
  });
  const all = Array.from({ length: 8 }, () => new Migrator(at.config));
  const reports = await Promise.all(all.map((m) => m.up()));
  assert.equal(reports.reduce((n, r) => n + r.applied, 0), 2);
  assert.deepEqual(sqlite(at.file, 'SELECT x FROM a'), [[1]]);
  await Promise.all(all.map((m) => m.close()));
});

test('calls of one Migrator take turns', async (t) => {
  const m = new Migrator(scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\n' }).config);
  const [one, two, three] = await Promise.all([m.up(), m.status(), m.hash()]);
  assert.equal(one.applied, 1);
  assert.equal(two.state, 'current');
  assert.match(three, /^sha256:/);
  await m.close();
});

test('process.exit() in the middle does not hang', async (t) => {
  for (const files of [FILES, { '1_a.js': 'exports.up = () => new Promise(() => {});\n' }]) {
    const at = scratch(t, files);
    const script = `new (require(${JSON.stringify(PACKAGE)}).Migrator)(${JSON.stringify(at.config)}).up().catch(() => {});
      setTimeout(() => process.exit(3), 500)`;
    assert.equal(spawnSync(process.execPath, ['-e', script], { timeout: 60000 }).status, 3);
  }
});

test('worker threads, also ended ones', async (t) => {
  const at = scratch(t, FILES);
  const script = `const { Migrator } = require(${JSON.stringify(PACKAGE)});
    const { parentPort, workerData } = require('node:worker_threads');
    new Migrator(workerData).up({ steps: 1 }).then((r) => {
      parentPort.postMessage(r.applied);
      return new Migrator(workerData).up();
    });`;
  const worker = new Worker(script, { eval: true, workerData: at.config });
  assert.equal(await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject)), 1);
  await sleep(300);
  await worker.terminate(); // of minutes of work
  assert.deepEqual(sqlite(at.file, 'SELECT count(*) FROM a'), [[0]]);
});

test('garbage to every entry point', async (t) => {
  const at = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\n' });
  const junk = [undefined, null, 0, -1, NaN, '', 'x'.repeat(10000), '\0', [], {}, () => {}, true, 1n];
  for (const value of junk) {
    for (const config of [value, { database: value }, { ...at.config, source: value }, { lock_wait: value }, { [String(value)]: 1 }]) {
      try {
        await new Migrator(config).close();
      } catch (e) {
        assert.ok(e instanceof Error, String(e));
      }
    }
    const m = new Migrator(at.config);
    for (const verb of ['up', 'down', 'redo', 'plan', 'script']) {
      for (const key of ['to', 'steps', 'deadline', 'direction', 'dialect']) {
        await m[verb]({ [key]: value }).catch((e) => assert.ok(e instanceof Error, String(e)));
      }
    }
    // what cannot be a number of steps must not mean all of them
    if (value != null) await assert.rejects(m.up({ steps: value }), (e) => e.status === 'E_ARGUMENT', String(value));
    for (const verb of ['baseline', 'resolve', 'create']) {
      await m[verb](value, { applied: true }).catch((e) => assert.ok(e instanceof Error, String(e)));
    }
    await m.close();
  }
  const m = new Migrator(at.config);
  for (const options of [{ step: 1 }, { dryRun: true }, { to: {} }, { to: -1 }, { deadline: 0 }, { deadline: NaN }, null]) {
    await assert.rejects(m.up(options), (e) => e.status === 'E_ARGUMENT', JSON.stringify(options));
  }
  await m.close();
});

test('anything can be thrown', async (t) => {
  const bare = Object.create(null);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const value of [bare, proxy, undefined, null, 7, Symbol('x'), Object.assign(new Error('x'), { name: Symbol('y') })]) {
    const m = new Migrator({ ...scratch(t).config, lock: { acquire() { if (m.lockThrows) throw value; }, release() {} } });
    m.add({ path: '1_a.js', up() { throw value; } });
    assert.deepEqual([(await Promise.allSettled([m.up()]))[0].reason === value], [true]);
    m.lockThrows = true;
    assert.equal((await Promise.allSettled([m.up()]))[0].reason === value, true);
    await m.close();
  }
});

test('memory is flat over many open and close', async (t) => {
  const at = scratch(t, { '1_a.sql': 'CREATE TABLE a (x);\n' });
  const cycle = async (n) => {
    for (let i = 0; i < n; i++) {
      const m = new Migrator(at.config);
      await m.up();
      await m.close();
    }
  };
  await cycle(300);
  const before = process.memoryUsage().rss;
  await cycle(700);
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 24 * 1024 * 1024, `${grown} bytes more`);
});
