// SPDX-License-Identifier: Apache-2.0
'use strict';

/* The Node package beside node-pg-migrate, knex and umzug, in one run on one machine: from require() until a migrator is
 * there, a start with nothing to do, 500 migrations of three statements; on PostgreSQL ($PG_URL), and on SQLite those that
 * can without building a client. Every figure is the best of a few processes of its own. Prints Markdown; read ratios.
 *
 *   node_peers.js [COUNT]                      the table
 *   node_peers.js --one TOOL DATABASE FOLDER   one process: JSON
 *
 * $BENCH_MODULES is the node_modules with the peers, $LIBMIGRATE_NODE_ADDON the package's addon. */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const MODULES = process.env.BENCH_MODULES ?? '';
const fromPeers = (name) => require(require.resolve(name, { paths: [path.dirname(MODULES)] }));
const RUNS = 5;

/* ---- what each tool does ---- */

const LIBMIGRATE = {
  extension: 'sql',
  file: (sql) => sql,
  make(database, folder) {
    const { Migrator } = require('../../bindings/node');
    const m = new Migrator({ database, source: folder });
    return { up: async () => (await m.up()).applied, end: () => m.close() };
  },
};

const NODE_PG_MIGRATE = {
  extension: 'sql',
  file: (sql) => `-- Up Migration\n${sql}-- Down Migration\n`,
  make(database, folder) {
    const { runner } = fromPeers('node-pg-migrate');
    const config = { databaseUrl: database, dir: folder, direction: 'up', migrationsTable: 'pgmigrations', count: Infinity,
      log() {} };
    return { up: async () => (await runner(config)).length, end() {} };
  },
};

const KNEX = {
  extension: 'js',
  file: (sql) => `exports.up = (knex) => knex.raw(${JSON.stringify(sql)});\nexports.down = () => {};\n`,
  make(database, folder) {
    const knex = fromPeers('knex')({ client: 'pg', connection: database });
    return { up: async () => (await knex.migrate.latest({ directory: folder }))[1].length, end: () => knex.destroy() };
  },
};

/* As its documentation has it: a table of names, and a transaction for each migration. */
function umzug(client, folder) {
  const { Umzug } = fromPeers('umzug');
  const storage = {
    async executed() {
      await client.run('CREATE TABLE IF NOT EXISTS umzug (name varchar(255) PRIMARY KEY)');
      return (await client.all('SELECT name FROM umzug')).map((row) => row.name);
    },
    logMigration: ({ name }) => client.run(`INSERT INTO umzug VALUES ('${name}')`),
    unlogMigration: ({ name }) => client.run(`DELETE FROM umzug WHERE name = '${name}'`),
  };
  const resolve = ({ name, path: file }) => ({ name, up: async () => {
    await client.run('BEGIN');
    await client.run(fs.readFileSync(file, 'utf8'));
    await client.run('COMMIT');
  } });
  return new Umzug({ migrations: { glob: path.join(folder, '*.sql'), resolve }, storage, logger: undefined });
}

const UMZUG_PG = {
  extension: 'sql',
  file: (sql) => sql,
  make(database, folder) {
    const { Client } = fromPeers('pg');
    const client = new Client({ connectionString: database });
    const tool = umzug({ run: (sql) => client.query(sql), all: async (sql) => (await client.query(sql)).rows }, folder);
    return { up: async () => { await client.connect(); return (await tool.up()).length; }, end: () => client.end() };
  },
};

const UMZUG_SQLITE = {
  extension: 'sql',
  file: (sql) => sql,
  make(database, folder) {
    const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(database.replace(/^sqlite:/, ''));
    const tool = umzug({ run: async (sql) => db.exec(sql), all: async (sql) => db.prepare(sql).all() }, folder);
    return { up: async () => (await tool.up()).length, end: () => db.close() };
  },
};

const ENGINES = {
  PostgreSQL: { libmigrate: LIBMIGRATE, 'node-pg-migrate': NODE_PG_MIGRATE, knex: KNEX, umzug: UMZUG_PG },
  SQLite: { libmigrate: LIBMIGRATE, umzug: UMZUG_SQLITE },
};

/* ---- one process ---- */

async function one(engine, tool, database, folder) {
  const cpu = (since) => { const used = process.cpuUsage(since); return (used.user + used.system) / 1000; };
  const bare = process.cpuUsage();
  const it = ENGINES[engine][tool].make(database, folder);
  const ready = cpu(bare);
  const began = performance.now(), idle = process.cpuUsage();
  const applied = await it.up();
  const ms = performance.now() - began, run = cpu(idle);
  await it.end();
  console.log(JSON.stringify({ ready, ms, cpu: run, peak: process.resourceUsage().maxRSS / 1024, applied }));
}

/* ---- the table ---- */

function statements(i) {
  return `CREATE TABLE t${i} (id int PRIMARY KEY, v varchar(100));\nCREATE INDEX t${i}_v ON t${i} (v);\n` +
    `INSERT INTO t${i} VALUES (1, 'x');\n`;
}

function write(folder, { extension, file }, count) {
  fs.mkdirSync(folder, { recursive: true });
  for (let i = 1; i <= count; i++) {
    fs.writeFileSync(path.join(folder, `${20240101000000 + i}_m${i}.${extension}`), file(statements(i)));
  }
}

function start(engine, tool, database, folder) {
  const flags = engine === 'SQLite' && tool === 'umzug' ? ['--no-warnings'] : [];
  const run = spawnSync(process.execPath, [...flags, __filename, '--one', engine, tool, database, folder], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${tool}: ${run.stderr}`);
  return JSON.parse(run.stdout.trim().split('\n').pop());
}

/* A database of its own for each run of all migrations. */
const fresh = {
  n: 0,
  PostgreSQL() {
    const name = `bench_${process.pid}_${this.n++}`;
    const url = new URL(process.env.PG_URL);
    const made = spawnSync('psql', ['-Xqc', `CREATE DATABASE ${name}`, url.href], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    url.pathname = `/${name}`;
    return url.href;
  },
  SQLite(dir) { return `sqlite:${path.join(dir, `${this.n++}.db`)}`; },
};

const least = (rows, key) => Math.min(...rows.map((row) => row[key]));

/* Rounds of all tools, so that what else the machine does meets all of them alike. */
function measure(engine, dir, count) {
  const tools = Object.keys(ENGINES[engine]);
  const rounds = Object.fromEntries(tools.map((tool) => [tool, { all: [], none: [] }]));
  const folder = (tool) => path.join(dir, `${engine}-${tool}`);
  for (const tool of tools) write(folder(tool), ENGINES[engine][tool], count);
  for (let i = 0; i < RUNS; i++) {
    for (const tool of tools) {
      const database = fresh[engine](dir);
      const all = start(engine, tool, database, folder(tool));
      if (all.applied !== count) throw new Error(`${tool} applied ${all.applied}`);
      rounds[tool].all.push(all);
      for (let j = 0; j < 3; j++) rounds[tool].none.push(start(engine, tool, database, folder(tool)));
    }
  }
  return Object.fromEntries(tools.map((tool) => [tool, best(rounds[tool])]));
}

function best({ all, none }) {
  return { ready: least(none, 'ready'), nothing: least(none, 'ms'), nothing_cpu: least(none, 'cpu'), all: least(all, 'ms'),
    all_cpu: least(all, 'cpu'), small: least(none, 'peak'), large: least(all, 'peak') };
}

const ratio = (value, base) => `${value.toFixed(value < 10 ? 1 : 0)} (${(value / base).toFixed(1)})`;

function table(engine, rows, count) {
  const ours = rows.libmigrate;
  const lines = [`| ${engine} | require to ready, CPU ms | nothing to do, ms | CPU ms | ${count} migrations, ms | CPU ms | peak MB, nothing to do | peak MB, ${count} |`,
    '|---|---|---|---|---|---|---|---|'];
  for (const [tool, row] of Object.entries(rows)) {
    lines.push(`| ${[tool, ...Object.keys(row).map((key) => ratio(row[key], ours[key]))].join(' | ')} |`);
  }
  return lines.join('\n');
}

function machine() {
  const cpus = os.cpus();
  return `${cpus.length} cores (${cpus[0]?.model ?? 'unknown'}), Linux ${os.release()}, Node ${process.version}, ` +
    new Date().toISOString().slice(0, 10);
}

function versions() {
  return ['node-pg-migrate', 'knex', 'umzug', 'pg'].map((name) =>
    `${name} ${JSON.parse(fs.readFileSync(path.join(MODULES, name, 'package.json'), 'utf8')).version}`).join(', ');
}

function main(count) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'libmigrate-bench-'));
  try {
    const out = [];
    for (const engine of Object.keys(ENGINES)) {
      const rows = measure(engine, dir, count);
      console.error(engine, JSON.stringify(rows));
      out.push(table(engine, rows, count));
    }
    console.log(`Measured by \`scripts/bench-node\` in one run: ${machine()}; ${versions()}. In brackets the ratio to\n` +
      `libmigrate; a process of its own for each figure, the best of several; PostgreSQL without fsync on the same machine, where other work may\nrun too: read ratios.\n\n` +
      out.join('\n\n'));
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--one') one(...process.argv.slice(3));
else main(Number(process.argv[2] ?? 500));
