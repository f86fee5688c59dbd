// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Migrator, CallerError, LockError, LockLost, MigrateError } = require('..');
const { scratch, sqlite, sleep } = require('./helper.js');

const FILES = { '1_a.sql': 'CREATE TABLE a (x);\n' };

/* A lock on a shelf in this process, which notes what is done with it. */
class Shelf {
  constructor() {
    this.calls = [];
    this.holder = null;
  }

  async acquire(key) {
    this.calls.push('acquire');
    this.key = key;
    if (this.holder) return this.holder;
    this.holder = { session: '7', application: 'test', since: new Date(1700000000000) };
    return 12345678901234567890n;
  }

  async release(key) {
    assert.equal(key, this.key);
    this.calls.push('release');
    this.holder = null;
  }

  async inspect() { return this.holder; }

  breakLock(key, holder) {
    this.calls.push(holder);
    this.holder = null;
  }
}

function open(t, lock, config = {}) {
  const at = scratch(t, FILES);
  const m = new Migrator({ ...at.config, lock, ...config });
  t.after(() => m.close());
  return { m, ...at };
}

test('taken, given back, inspected, broken', async (t) => {
  const shelf = new Shelf();
  const { m } = open(t, shelf);
  assert.equal((await m.up()).applied, 1);
  assert.deepEqual(shelf.calls, ['acquire', 'release']);
  assert.equal((await m.lock()).state, 'free');
  shelf.holder = { session: 'x', host: 'h', since: '2024-01-02T03:04:05Z' };
  const held = await m.lock();
  assert.deepEqual([held.state, held.holder.session, held.holder.host, held.holder.since],
    ['locked', 'x', 'h', '2024-01-02T03:04:05.000Z']);
  await m.lock({ break: true });
  const { session, host, since, application } = shelf.calls.at(-1);
  assert.deepEqual([session, host, since, application], ['x', 'h', '2024-01-02T03:04:05.000Z', null]);
});

test('held by another', async (t) => {
  const shelf = new Shelf();
  shelf.holder = { application: 'the other' };
  const { m } = open(t, shelf, { lock_wait: 200 });
  await assert.rejects(m.up(), (e) => e instanceof LockError && e.status === 'E_LOCK_TIMEOUT' && /the other/.test(e.message));
  const { m: n } = open(t, { acquire: () => false, release() {} }, { lock_wait: 0 });
  await assert.rejects(n.up(), (e) => e.status === 'E_LOCK_TIMEOUT');
});

test('renewed while code waits, and lost', async (t) => {
  let renewed = 0;
  const lock = { renewEvery: 100, ttl: '60s', acquire() {}, release() {}, renew() { renewed++; } };
  const { m } = open(t, lock);
  m.add({ path: '2_b.js', up: async () => { while (renewed < 3) await sleep(20); } });
  assert.equal((await m.up()).applied, 2);
  const losing = { ...lock, renew() { throw new LockLost(); } };
  const { m: n, file } = open(t, losing);
  n.add({ path: '2_b.js', up: async ({ execute }) => {
    await execute('INSERT INTO a VALUES (1)');
    await new Promise(() => {});
  } });
  await assert.rejects(n.up(), (e) => e instanceof LockError && e.status === 'E_LOCK_LOST' && /lost/.test(e.message));
  assert.deepEqual(sqlite(file, 'SELECT x FROM a'), []);
});

test('a renewal that fails or hangs is tried again until it is too late', async (t) => {
  let tries = 0;
  const flaky = { renewEvery: 50, ttl: '60s', acquire() {}, release() {}, renew() { if (++tries < 4) throw new Error('503'); } };
  const { m } = open(t, flaky);
  m.add({ path: '2_b.js', up: async () => { while (tries < 5) await sleep(20); } });
  assert.equal((await m.up()).applied, 2);
  const slow = { renewEvery: 50, ttl: '60s', done: 0, acquire() {}, release() {}, async renew() { await sleep(250); this.done++; } };
  const { m: n } = open(t, slow);
  n.add({ path: '2_b.js', up: async () => { while (slow.done < 2) await sleep(20); } });
  assert.equal((await n.up()).applied, 2);
  const dead = { renewEvery: 50, ttl: 300, acquire() {}, release() {}, renew() { return Promise.reject(new Error('503')); } };
  const { m: o } = open(t, dead);
  o.add({ path: '2_b.js', up: () => new Promise(() => {}) });
  await assert.rejects(o.up(), (e) => e.status === 'E_LOCK_LOST');
});

test('what it throws arrives as it was', async (t) => {
  const oops = new RangeError('no service');
  const { m } = open(t, { acquire() { throw oops; }, release() {} });
  await assert.rejects(m.up(), (e) => e === oops);
  const { m: n } = open(t, { acquire() {}, release() { throw oops; } });
  assert.equal((await n.up()).applied, 1, 'what is done is done');
});

test('a stop while it is waited for, and it is given back', async (t) => {
  const { m } = open(t, { acquire: () => new Promise(() => {}), release() {} });
  await assert.rejects(m.up({ signal: AbortSignal.timeout(200) }), (e) => e.status === 'E_CANCELLED');
  const shelf = new Shelf();
  const { m: n } = open(t, shelf);
  const abort = new AbortController();
  n.add({ path: '2_b.js', up: () => { abort.abort(); return new Promise(() => {}); } });
  await assert.rejects(n.up({ signal: abort.signal }), (e) => e.status === 'E_CANCELLED');
  assert.deepEqual(shelf.calls, ['acquire', 'release']);
});

test('garbage', async (t) => {
  for (const lock of [{}, { acquire() {} }, { acquire: 1, release: 2 }, [], 'nonsense', 7, { acquire() {}, release() {}, ttl: 'long' }]) {
    assert.throws(() => new Migrator({ lock }), CallerError);
  }
  for (const value of ['x', -1, 1.5, Symbol('x'), '1'.repeat(40)]) {
    const { m } = open(t, { acquire: () => value, release() {} }, { lock_wait: 0 });
    await assert.rejects(m.up(), (e) => e instanceof Error);
  }
  for (const holder of [{ session: {}, since: 'never' }, { since: NaN }, { host: 'x'.repeat(100000) }, [], () => {}]) {
    const { m } = open(t, { acquire: () => holder, release() {} }, { lock_wait: 0 });
    await assert.rejects(m.up(), (e) => e instanceof TypeError || e instanceof MigrateError);
  }
});
