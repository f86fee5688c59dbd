// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Migrator, DatabaseError } = require('..');
const { scratch, sqlite } = require('./helper.js');

const TABLE = { '1_a.sql': 'CREATE TABLE a (x, y);\n' };

function open(t, files, config = {}) {
  const at = scratch(t, { ...TABLE, ...files });
  const m = new Migrator({ database: at.database, source: at.source, ...config });
  t.after(() => m.close());
  return { m, ...at };
}

test('code runs between SQL, inside its transaction', async (t) => {
  const { m, file } = open(t, {
    '2_fill.js': `exports.up = async ({ execute }) => {
      const none = await execute('INSERT INTO a VALUES (?, ?), (?, ?)', [1, 'é', true, null]);
      if (none.length !== 0) throw new Error('rows of an INSERT');
      await new Promise((r) => setTimeout(r, 20));
      const [[x, y], [, n]] = await execute('SELECT x, y FROM a ORDER BY rowid');
      await execute('INSERT INTO a VALUES (?, ?)', [x + y, n]);
    };
    exports.down = async ({ execute }) => { await execute('DELETE FROM a'); };`,
    '3_esm.mjs': 'export async function up({ execute }) { await Promise.all([3, 4].map((n) => execute(`INSERT INTO a VALUES (${n}, 0)`))); }\n',
    '4_sql.sql': 'UPDATE a SET y = 9 WHERE x = 4;\n',
    'helper.js': 'throw new Error("not a migration");\n',
  });
  assert.equal((await m.up()).applied, 4);
  assert.deepEqual(sqlite(file, 'SELECT x, y FROM a ORDER BY rowid'),
    [['1', 'é'], ['1', null], ['1é', null], [3, 0], [4, 9]]);
  await assert.rejects(m.down({ all: true }), (e) => e.status === 'E_IRREVERSIBLE');
});

test('down, and code added while it is open', async (t) => {
  const { m, file, source } = open(t, {});
  await m.up();
  fs.writeFileSync(path.join(source, '2_x.js'),
    `exports.up = ({ execute }) => execute('INSERT INTO a VALUES (1, 1)');
     exports.down = ({ execute }) => execute('DELETE FROM a');`);
  assert.equal((await m.up()).applied, 1);
  assert.deepEqual(sqlite(file, 'SELECT x FROM a'), [[1]]);
  assert.equal((await m.down()).reverted, 1);
  assert.deepEqual(sqlite(file, 'SELECT x FROM a'), []);
});

test('what code throws arrives as it was, and nothing is left', async (t) => {
  const { m, file } = open(t, {
    '2_x.js': `exports.up = async ({ execute }) => {
      await execute('INSERT INTO a VALUES (1, 1)');
      throw Object.assign(new RangeError('no'), { mine: 1 });
    };`,
  });
  await assert.rejects(m.up(), (e) => e instanceof RangeError && e.mine === 1);
  assert.deepEqual(sqlite(file, 'SELECT x FROM a'), []);
  assert.equal((await m.status()).pending, 1);
});

test('a failed statement of code', async (t) => {
  const { m } = open(t, {
    '2_x.js': `exports.up = async ({ execute }) => { await execute('SELECT * FROM nowhere'); };`,
  });
  const error = await m.up().then(() => null, (e) => e);
  assert.ok(error instanceof DatabaseError);
  assert.equal(error.path, '2_x.js');
  assert.match(error.message, /nowhere/);
});

test('a statement that nobody awaits', async (t) => {
  const { m, file } = open(t, {
    '2_x.js': `exports.up = ({ execute }) => { execute('INSERT INTO a VALUES (1, 1)'); execute('SELECT * FROM nowhere'); };`,
  });
  await assert.rejects(m.up(), (e) => e instanceof DatabaseError && e.path === '2_x.js');
  assert.deepEqual(sqlite(file, 'SELECT x FROM a'), []);
});

test('a failure that is thrown later', async (t) => {
  const { m } = open(t, {});
  let first;
  m.add({ path: '2_x.js', up: async ({ execute }) => {
    first = await execute('SELECT * FROM nowhere').catch((e) => e);
    await execute('SELECT 1');
    throw first;
  } });
  await assert.rejects(m.up(), (e) => e === first && e instanceof DatabaseError);
});

test('parameters', async (t) => {
  const { m } = open(t, {});
  let said;
  m.add({ path: '2_x.js', up: async ({ execute }) => {
    said = await execute('SELECT ?, ?, ?, ?', [new Uint8Array([0x62, 0x63]), 1n, false, undefined]);
    for (const params of ['abc', { 0: 'x' }, [{}], [[1]], [() => {}], [Symbol('x')]]) {
      await assert.rejects(execute('SELECT ?', params), TypeError);
    }
  } });
  await m.up();
  assert.deepEqual(said, [['bc', '1', '0', null]]);
});

test('files that change are run as they are by a new Migrator', async (t) => {
  const write = (at, n) => {
    for (const [name, begin] of [['2_x.js', 'exports.up ='], ['3_x.cjs', 'exports.up ='], ['4_x.mjs', 'export const up =']]) {
      fs.writeFileSync(path.join(at.source, name), `${begin} ({ execute }) => execute('INSERT INTO a VALUES (${n}, ${n})');\n`);
    }
  };
  const at = scratch(t, TABLE);
  for (const n of [1, 2, 1, 3]) {
    write(at, n);
    const database = `${at.database}${Math.random()}`;
    const m = new Migrator({ database, source: at.source });
    assert.equal((await m.up()).applied, 4);
    await m.close();
    assert.deepEqual(sqlite(database.slice('sqlite:'.length), 'SELECT x FROM a'), [[n], [n], [n]]);
  }
});

test('code that goes on after its end is refused', async (t) => {
  const { m } = open(t, {
    '2_x.js': `exports.up = async ({ execute }) => { globalThis.leakedExecute = execute; };`,
  });
  await m.up();
  await assert.rejects(globalThis.leakedExecute('SELECT 1'), /ended/);
});

test('garbage for execute', async (t) => {
  const { m } = open(t, {
    '2_x.js': `exports.up = async ({ execute }) => {
      const said = [];
      for (const sql of [undefined, null, 7, {}, Symbol('x')]) await execute(sql).catch((e) => said.push(e));
      globalThis.garbage = said.length;
    };`,
  });
  await m.up();
  assert.equal(globalThis.garbage, 5);
});

test('a file that is no migration', async (t) => {
  const { m } = open(t, { '2_x.js': 'exports.nothing = 1;\n' });
  await assert.rejects(m.up(), /exports no function up/);
});
