// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { Migrator, DatabaseError, LockError, Stopped } = require('..');
const { scratch, rows, sleep, theServer } = require('./helper.js');
const kills = require('./kills.js');

/* PostgreSQL and MariaDB: run once under each server. */

const server = theServer();
const skip = server ? false : 'no server: run by tests/tools/with_pg.sh or with_mysql.sh';
const postgres = server?.kind === 'postgres';
const SLEEP = postgres ? 'SELECT pg_sleep(60)' : 'SELECT sleep(60)';

/* Is there a session that sleeps in this database? */
async function sleeping(database) {
  const name = new URL(database).pathname.slice(1);
  const query = postgres
    ? `SELECT count(*) FROM pg_stat_activity WHERE datname = '${name}' AND state = 'active' AND query LIKE 'SELECT pg_sleep(60)%'`
    : `SELECT count(*) FROM information_schema.processlist WHERE db = '${name}' AND info LIKE 'SELECT sleep(60)%'`;
  return (await rows(await watching(), query))[0][0] !== '0';
}

let watched = null;
const watching = () => (watched ??= server.create());

async function open(t, files, config = {}) {
  const at = scratch(t, files);
  const database = await server.create();
  const m = new Migrator({ ...at.config, database, ...config });
  t.after(() => m.close());
  return { m, at, database };
}

test('sql and code', { skip }, async (t) => {
  const { m } = await open(t, {
    '1_a.sql': 'CREATE TABLE a (x int, y varchar(20));\n',
    '2_b.js': `exports.up = async ({ execute }) => {
      await execute('INSERT INTO a VALUES (?, ?)', [7, "it's é?"]);
      const rows = await execute('SELECT x, y, NULL FROM a');
      if (JSON.stringify(rows) !== '[["7","it\\'s é?",null]]') throw new Error(JSON.stringify(rows));
    };
    exports.down = ({ execute }) => execute('DELETE FROM a');`,
  });
  await m.wait({ timeout: '60s' });
  const done = await m.up();
  assert.equal(done.applied, 2);
  assert.ok(['postgres', 'mysql', 'mariadb'].includes(done.database), done.database);
  assert.equal((await m.down()).reverted, 1);
  assert.equal((await m.up()).state, 'current');
  await m.verify();
  assert.equal((await m.lock()).state, 'free');
});

test('a plan is applied as it was made, or not at all', { skip }, async (t) => {
  const { m, database, at } = await open(t, { '1_a.sql': 'CREATE TABLE a (x int);\nDROP TABLE a;\n', '2_b.sql': 'SELECT 1;\n' });
  const plan = await m.plan({ to: 1 });
  const other = await m.plan();
  const statements = await m.statements(plan, 0);
  assert.deepEqual(statements.map((s) => [s.text, s.line, s.destructive]),
    [['CREATE TABLE a (x int)', 1, false], ['DROP TABLE a', 2, true]]);
  assert.match(await m.script(plan), /CREATE TABLE a/);
  const second = new Migrator({ database, source: at.source });
  assert.equal((await second.apply(plan)).applied, 1);
  await second.close();
  await assert.rejects(m.apply(other), (e) => e.status === 'E_STALE');
  assert.equal((await m.status()).pending, 1);
});

test('errors have the codes of the server', { skip }, async (t) => {
  const { m } = await open(t, { '1_a.sql': 'SELECT 1;\n\nSELECT * FROM nowhere_at_all;\n' });
  const error = await m.up().then(() => null, (e) => e);
  assert.ok(error instanceof DatabaseError);
  assert.equal(error.sqlstate, postgres ? '42P01' : '42S02');
  assert.equal(error.code, postgres ? null : 1146);
  assert.equal(error.line, 3);
});

test('code that throws: rolled back, or gone on with', { skip }, async (t) => {
  let failing = true;
  const { m, database } = await open(t, { '1_a.sql': 'CREATE TABLE a (x int);\n' });
  const oops = new RangeError('oops');
  m.add({ path: '2_b.js', checksum: 'b', up: async ({ execute }) => {
    await execute('INSERT INTO a VALUES (1)');
    if (failing) throw oops;
    await execute('INSERT INTO a VALUES (2)');
  } });
  await assert.rejects(m.up(), (e) => e === oops);
  assert.deepEqual(await rows(database, 'SELECT x FROM a'), postgres ? [] : [['1']]);
  failing = false;
  assert.equal((await m.up()).state, 'current');
  assert.deepEqual(await rows(database, 'SELECT x FROM a ORDER BY x'), [['1'], ['2']]);
});

test('code can catch a failed statement', { skip }, async (t) => {
  const { m } = await open(t, {});
  let caught;
  m.add({ path: '1_a.js', up: async ({ execute }) => {
    await execute('SELECT * FROM nowhere_at_all').catch((e) => { caught = e; });
  } });
  await m.up().catch(() => {}); // on PostgreSQL its transaction is over
  assert.equal(caught.sqlstate, postgres ? '42P01' : '42S02');
});

test('a running statement is cancelled', { skip }, async (t) => {
  const { m } = await open(t, { '1_a.sql': `${SLEEP};\n` });
  await assert.rejects(m.up({ signal: AbortSignal.timeout(500) }), (e) => e instanceof Stopped && e.cause !== undefined);
  assert.equal((await m.lock()).state, 'free');
  assert.equal((await m.status()).pending, 1);
});

test('Ctrl-C twice cancels what npx runs', { skip }, async (t) => {
  for (const files of [{ '1_a.sql': `${SLEEP};\n` }, { '1_a.js': `exports.up = ({ execute }) => execute('${SLEEP}');\n` }]) {
    const { at, database } = await open(t, files);
    const child = spawn(process.execPath, [path.join(__dirname, '..', 'bin', 'libmigrate.js'), '-d', database, '-s',
      at.source, '-v', 'up']);
    let said = '';
    child.stderr.on('data', (data) => { said += data; });
    const ended = new Promise((resolve) => child.on('exit', (status) => resolve(status)));
    while (!await sleeping(database) && child.exitCode === null) await sleep(50);
    child.kill('SIGINT');
    await sleep(100);
    child.kill('SIGINT');
    assert.equal(await ended, 7, said);
  }
});

test('a held lock', { skip }, async (t) => {
  const { m, database } = await open(t, {});
  let told, seen;
  m.add({ path: '1_a.js', up: async () => {
    const other = new Migrator({ database, source: [{ path: '1_a.sql', text: 'SELECT 1;' }], lock_wait: 500 });
    seen = await other.lock();
    told = await other.up().then(() => null, (e) => e);
    await other.close();
  } });
  await m.up();
  assert.equal(seen.state, 'locked');
  assert.ok(told instanceof LockError && told.status === 'E_LOCK_TIMEOUT', String(told));
});

test('a lock in JavaScript is renewed while a statement runs', { skip }, async (t) => {
  const enough = new AbortController();
  const lock = { renewEvery: 200, ttl: '60s', renewed: 0, held: null,
    acquire(key) { this.held = key; return 1; }, release() { this.held = null; },
    renew() { if (++this.renewed === 2) enough.abort(); } };
  const { m } = await open(t, { '1_a.sql': `${SLEEP};\n` }, { lock });
  await assert.rejects(m.up({ signal: enough.signal }), (e) => e instanceof Stopped);
  assert.equal(lock.renewed, 2);
  assert.equal(lock.held, null);
});

test('credentials are asked for', { skip }, async (t) => {
  const asked = [];
  const database = await server.create();
  const user = new URL(database).username;
  const bare = database.replace(`${user}@`, '');
  const config = { ...scratch(t, { '1_a.sql': 'SELECT 1;\n' }).config, database: bare };
  const m = new Migrator({ ...config, credentials: async (question) => { asked.push(question); return { user }; } });
  await m.up();
  await m.close();
  assert.equal(asked[0].reason, 'first');
  assert.equal(asked[0].url.split('?')[0], bare);
  const oops = new Error('vault is sealed');
  const sealed = new Migrator({ ...config, credentials: () => { throw oops; } });
  await assert.rejects(sealed.status(), (e) => e === oops);
  await sealed.close();
});

test('eight at once on one database', { skip }, async (t) => {
  const files = { '1_a.sql': 'CREATE TABLE a (x int);\n',
    '2_b.js': "exports.up = ({ execute }) => execute('INSERT INTO a VALUES (1)');\n" };
  const { config } = scratch(t, files);
  const database = await server.create();
  const all = Array.from({ length: 8 }, () => new Migrator({ ...config, database }));
  const reports = await Promise.all(all.map((m) => m.up()));
  assert.equal(reports.reduce((n, r) => n + r.applied, 0), 2);
  await Promise.all(all.map((m) => m.close()));
  assert.deepEqual(await rows(database, 'SELECT x FROM a'), [['1']]);
});

test('killed at every point of its code: exactly once', { skip }, async (t) => {
  const { source } = scratch(t, kills.FILES);
  await kills.atEveryPoint(source, () => server.create(), rows);
});

test('beside the pg package, both at work', { skip: !postgres && 'PostgreSQL only' }, async (t) => {
  let pg;
  try {
    pg = require(path.join(process.env.LIBMIGRATE_NODE_TOOLS ?? '', 'node_modules', 'pg'));
  } catch {
    return t.skip('no pg package');
  }
  const { m, database } = await open(t, { '1_a.sql': 'CREATE TABLE a (x int);\nSELECT pg_sleep(0.3);\n' });
  const pool = new pg.Pool({ connectionString: database, max: 3 });
  try {
    const queries = Array.from({ length: 20 }, (_, i) => pool.query('SELECT $1::int AS n', [i]));
    const [done, ...answers] = await Promise.all([m.up(), ...queries]);
    assert.equal(done.applied, 1);
    assert.deepEqual(answers.map((a) => a.rows[0].n), Array.from({ length: 20 }, (_, i) => i));
    await pool.query('INSERT INTO a VALUES (1)');
    assert.equal((await m.status()).state, 'current');
    assert.equal((await pool.query('SELECT count(*)::int AS n FROM a')).rows[0].n, 1);
  } finally {
    await pool.end();
  }
  return undefined;
});

test('garbage for URLs', { skip }, async () => {
  const { protocol } = new URL(server.url);
  for (const end of ['', '/', '?x=y', '/%00', '/\x7f', ':x/y', '@/']) {
    const m = new Migrator({ database: `${protocol}//127.0.0.1:1${end}`, source: null, connect_timeout: '1s',
      reconnect_timeout: 0 });
    await assert.rejects(m.up(), (e) => e.status.startsWith('E_'), end);
    await m.close();
  }
});
