#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
'use strict';

const { parseArgs } = require('node:util');
const { Migrator, MigrateError, options: table, version } = require('../lib/index.js');

/* The command line's verbs, code migrations in JavaScript included. */

const USAGE = `libmigrate [-d URL] [-s DIR] [-o KEY=VALUE]... [--json] [-q|-v] COMMAND [ARGUMENTS]

  up [--to VERSION | --steps N]             down, redo [--to VERSION | --steps N | --all]
  plan [up|down|redo] [--sql | --script] [--dialect D]
  init [--sql] [--dialect D]                status [--check]          verify
  baseline VERSION                          resolve VERSION --applied | --not-applied [--all]
  lock [--break]                            new NAME [--pair]         hash
  wait [--timeout 60s]                      version`;

const FLAGS = {
  database: { type: 'string', short: 'd' }, source: { type: 'string', short: 's' },
  option: { type: 'string', short: 'o', multiple: true }, json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' }, verbose: { type: 'boolean', short: 'v', multiple: true },
  to: { type: 'string' }, steps: { type: 'string' }, all: { type: 'boolean' }, sql: { type: 'boolean' },
  script: { type: 'boolean' }, dialect: { type: 'string' }, check: { type: 'boolean' },
  applied: { type: 'boolean' }, 'not-applied': { type: 'boolean' }, break: { type: 'boolean' },
  pair: { type: 'boolean' }, timeout: { type: 'string' }, help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
};

class Usage extends Error {}

function setOptions(config, pairs) {
  for (const { key } of table) {
    const value = process.env[`MIGRATE_${key.toUpperCase()}`];
    if (value !== undefined && !key.endsWith('.') && key !== 'source') config[key] = value;
  }
  for (const pair of pairs ?? []) {
    const at = pair.indexOf('=');
    if (at < 1) throw new Usage(`-o ${pair}: KEY=VALUE is wanted`);
    config[pair.slice(0, at)] = pair.slice(at + 1);
  }
}

function configure(flags) {
  const env = process.env;
  const config = {
    database: flags.database ?? env.MIGRATE_DATABASE_URL ?? env.DATABASE_URL,
    source: flags.source ?? env.MIGRATE_SOURCE ?? 'migrations',
    log_level: flags.quiet ? 'error' : ['warn', 'info', 'debug'][Math.min(flags.verbose?.length ?? 0, 2)],
  };
  setOptions(config, flags.option);
  config.onEvent = (event) => {
    if (event.event === 'log' && event.text) process.stderr.write(`${event.text}\n`);
  };
  return config;
}

function steps(flags) {
  if (flags.steps === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(flags.steps)) throw new Usage('--steps takes a number from 1');
  return Number(flags.steps);
}

function one(args, what) {
  if (args.length !== 1) throw new Usage(`${what} is wanted`);
  return args[0];
}

const range = (flags) => ({ to: flags.to, steps: steps(flags), all: flags.all, sql: flags.sql,
  dialect: flags.dialect });

const VERBS = {
  up: (m, args, flags) => m.up(range(flags)),
  down: (m, args, flags) => m.down(range(flags)),
  redo: (m, args, flags) => m.redo(range(flags)),
  plan: (m, args, flags) => m[flags.script ? 'script' : 'plan']({ direction: args[0], ...range(flags) }),
  init: (m, args, flags) => m.init({ sql: flags.sql, dialect: flags.dialect }),
  status: (m) => m.status(),
  verify: (m) => m.verify(),
  baseline: (m, args) => m.baseline(one(args, 'a version')),
  resolve: (m, args, flags) => {
    if (Boolean(flags.applied) === Boolean(flags['not-applied'])) {
      throw new Usage('resolve needs --applied or --not-applied');
    }
    return m.resolve(one(args, 'a version'), { applied: Boolean(flags.applied), all: flags.all });
  },
  lock: (m, args, flags) => m.lock({ break: flags.break }),
  new: (m, args, flags) => m.create(one(args, 'a name'), { pair: flags.pair }),
  hash: (m) => m.hash(),
  wait: (m, args, flags) => m.wait({ timeout: flags.timeout }),
};

function describe(result) {
  if (typeof result === 'string') return result;
  const rows = (result.steps ?? result.migrations ?? []).map((row) =>
    [row.version, row.direction && result.steps ? row.direction : row.state, row.name].filter(Boolean).join('  ') +
    (row.sql ? `\n${row.sql.map((sql) => `${sql};`).join('\n')}` : ''));
  return [...rows, result.text ?? (rows.length ? null : 'nothing to do')].filter(Boolean).join('\n');
}

function print(verb, result, flags) {
  if (flags.json) return process.stdout.write(`${JSON.stringify(typeof result === 'string'
    ? { schema: 1, [verb === 'hash' ? 'hash' : 'script']: result } : result)}\n`);
  return process.stdout.write(`${describe(result)}\n`);
}

/* A first signal stops between statements, a second one cancels. */
function listen(m) {
  let asked = 0;
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => (asked++ ? m.cancel() : m.stop()));
}

async function run(verb, args, flags) {
  const m = new Migrator(configure(flags));
  listen(m);
  try {
    const result = await VERBS[verb](m, args, flags);
    print(verb, result, flags);
    return flags.check && result.state !== 'current' ? 4 : 0;
  } finally {
    await m.close();
  }
}

function failed(error, json) {
  if (error instanceof MigrateError) {
    const { status, status_code, message, hint, state, sqlstate, code, path, line, column, statement } = error;
    const cls = Math.floor(status_code / 100);
    if (json) {
      process.stdout.write(`${JSON.stringify({ schema: 1, ...error.report, error: { status, class: cls, message,
        hint, state, sqlstate, code, version: error.version, path, line, column, statement } })}\n`);
    }
    process.stderr.write(`error: ${error.text}\n`);
    return cls;
  }
  const caller = error instanceof Usage || String(error?.code).startsWith('ERR_PARSE_ARGS');
  if (json) {
    const status = caller ? 'E_ARGUMENT' : 'E_CALLBACK';
    const message = String(error?.message ?? error);
    process.stdout.write(`${JSON.stringify({ schema: 1, error: { status, class: 1, message } })}\n`);
  }
  process.stderr.write(caller ? `error: ${error.message}\n\n${USAGE}\n` : `error: ${error?.stack ?? error}\n`);
  return 1;
}

async function main(argv) {
  const json = argv.includes('--json');
  try {
    const { values, positionals } = parseArgs({ args: argv, options: FLAGS, allowPositionals: true });
    const [verb, ...args] = positionals;
    if (values.version || verb === 'version') return console.log(`libmigrate ${version}`);
    if (values.help || verb === 'help') return console.log(USAGE);
    if (!Object.hasOwn(VERBS, verb ?? '')) throw new Usage(verb ? `no command "${verb}"` : 'a command is wanted');
    process.exitCode = await run(verb, args, values);
  } catch (error) {
    process.exitCode = failed(error, json);
  }
  return undefined;
}

main(process.argv.slice(2));
