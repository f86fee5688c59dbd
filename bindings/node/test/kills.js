// SPDX-License-Identifier: Apache-2.0
'use strict';

const assert = require('node:assert/strict');
const { node } = require('./helper.js');

/* Migrations in JavaScript beside SQL; each counts the points it passes and is killed at number $DIE. */
const COUNT = `let passed = Number(globalThis.passed ?? 0);
  const point = () => { globalThis.passed = ++passed; if (passed === Number(process.env.DIE)) process.kill(process.pid, 'SIGKILL'); };`;

const code = (n) => `exports.up = async ({ execute }) => {
  ${COUNT}
  point();
  await execute('CREATE TABLE made${n} (x INTEGER)');
  point();
  await execute('INSERT INTO a VALUES (?)', ['code${n}']);
  point();
  await new Promise(setImmediate);
  await execute('INSERT INTO made${n} VALUES (${n})');
  point();
};\n`;

const FILES = {
  '1_a.sql': 'CREATE TABLE a (v VARCHAR(40));\n',
  '2_code.js': code(2),
  '3_sql.sql': "INSERT INTO a VALUES ('sql3');\n",
  '4_code.js': code(4),
};
const RUN = `const { Migrator } = require('.');
  new Migrator({ database: process.env.URL_, source: process.env.SOURCE_ }).up().then((r) => console.log(r.state));`;

/* Exactly once: `read(sql)` sees a database in which every migration ran to its end one time. */
async function whole(read) {
  const all = (await read('SELECT v FROM a ORDER BY v')).map(([v]) => v);
  assert.deepEqual(all, ['code2', 'code4', 'sql3']);
  for (const n of [2, 4]) assert.deepEqual((await read(`SELECT x FROM made${n}`)).map(([x]) => String(x)), [String(n)]);
}

async function again(env) {
  const run = await node(RUN, env);
  assert.deepEqual([run.status, run.out], [0, 'current\n'], run.err);
}

/* Kills a run at each point of its code, in a database of its own, and runs it again. */
async function atEveryPoint(source, fresh, read) {
  for (let die = 1; die <= 8; die++) {
    const url = await fresh(die);
    const env = { URL_: url, SOURCE_: source };
    const killed = await node(RUN, { ...env, DIE: String(die) });
    assert.equal(killed.signal, 'SIGKILL', `point ${die}: ${killed.err}`);
    await again(env);
    await whole((sql) => read(url, sql));
  }
}

module.exports = { FILES, RUN, atEveryPoint, again, whole };
