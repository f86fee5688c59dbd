// SPDX-License-Identifier: Apache-2.0
'use strict';

const { fileURLToPath } = require('node:url');
const { native, library } = require('./native.js');
const errors = require('./errors.js');
const code = require('./code.js');
const { Call } = require('./call.js');

const UP = 1, DOWN = 2, REDO = 3;
const RUN_ALL = 1, RUN_SQL = 2;
const SCHEMES = { sqlite: 'sqlite', postgres: 'postgres', postgresql: 'postgres', mysql: 'mysql', mariadb: 'mysql',
  'rds-data': 'rds_data' };
const UNITS = { ms: 1, s: 1000, m: 60000, h: 3600000 };

/* Milliseconds of 1500, "500ms", "2s", "5m". */
function milliseconds(value) {
  if (value == null) return 0;
  if (typeof value === 'number') return Math.max(1, Math.floor(value));
  const match = /^(\d+)(ms|s|m|h)$/.exec(value);
  if (!match) throw errors.caller('E_ARGUMENT', 100, `"${value}" is no duration: "500ms", "2s", "5m"`);
  return Number(match[1]) * UNITS[match[2]];
}

/* JSON's objects, unchangeable. */
function freeze(value) {
  if (value && typeof value === 'object') Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

/* Code migrations by number, which is how the addon knows them. */
class Codes {
  constructor() {
    this.list = [];
    this.paths = new Map();
  }

  at(number) {
    return this.list[number];
  }

  has(path) {
    return this.paths.has(path);
  }

  number(path, fns) {
    const number = this.paths.get(path) ?? this.list.length;
    this.paths.set(path, number);
    this.list[number] = fns;
    return number;
  }
}

class Migrator {
  #handle = new native.Handle();
  #codes = new Codes();
  #callbacks = {};
  #url;
  #dir = null;
  #aws = null;
  #opened = false;
  #tail = Promise.resolve();
  #waiting = 0;
  #config;
  #closed = null;

  constructor(config = {}) {
    const { database, source, onEvent, credentials, driver, ...options } = config;
    this.#config = config;
    this.#url = database == null ? null : String(database);
    this.#callbacks = { onEvent, credentials, list: null };
    errors.translated(() => {
      this.#setOptions(options);
      this.#handle.listen(Boolean(onEvent), Boolean(credentials));
      this.#useSource(source ?? 'migrations');
      if (driver) this.#handle.loadDriver(driver, null, false);
      this.#loadDriver();
    });
  }

  #setOptions(options) {
    for (const [key, value] of Object.entries(options)) {
      if (value == null) continue;
      if (key === 'placeholders') {
        for (const [name, text] of Object.entries(value)) this.#handle.set(`placeholder.${name}`, String(text));
      } else {
        this.#handle.set(key, optionText(value));
      }
    }
    const wanted = ['secret', 'ssm_parameter', 'iam'].some((key) => options[key] && String(options[key]) !== '0');
    if (wanted) this.#aws = library('libmigrate-aws').file;
  }

  #useSource(source) {
    if (source instanceof URL) source = fileURLToPath(source);
    if (typeof source === 'string') {
      this.#dir = source;
      this.#handle.useDir(source);
    } else {
      const list = Array.isArray(source) ? () => source : () => source.list();
      this.#callbacks.list = () => withText(source, list());
      this.#handle.useSource();
    }
  }

  /* The scheme picks the driver's library; where there is none, opening says which schemes there are. */
  #loadDriver() {
    const name = SCHEMES[/^([a-z-]+):/.exec(this.#url ?? '')?.[1]];
    if (!name || this.#config.driver) return;
    const found = library(name === 'rds_data' ? 'libmigrate-aws' : `libmigrate-${name}`);
    this.#handle.loadDriver(found.file, name, found.search);
  }

  /* ---- one call after the other ---- */

  async #call(request, { signal, connect = true } = {}) {
    signal?.throwIfAborted();
    if (this.#closed) throw errors.caller('E_MISUSE', 101, 'this Migrator is closed');
    this.#waiting++;
    const turn = this.#tail.then(() => this.#perform(request, signal, connect));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  async #perform(request, signal, connect) {
    const cancel = () => this.#handle.cancel();
    try {
      signal?.throwIfAborted();
      await this.#findCode();
      signal?.throwIfAborted();
      signal?.addEventListener('abort', cancel, { once: true });
      return await this.#run(this.#connecting(request, connect));
    } catch (error) {
      if (signal?.aborted && error instanceof errors.Stopped) error.cause = signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      if (--this.#waiting === 0 || signal?.aborted) this.#handle.resume();
    }
  }

  #connecting(request, connect) {
    if (!connect || this.#opened) return request;
    if (this.#url == null && !this.#aws) throw errors.caller('E_ARGUMENT', 100, 'no `database` was given');
    return { ...request, url: this.#url, aws: this.#aws };
  }

  async #run(request) {
    const owner = { handle: this.#handle, codes: this.#codes, callbacks: this.#callbacks };
    const call = new Call(owner, request);
    try {
      return await call.run();
    } finally {
      this.#opened ||= call.opened;
    }
  }

  async #findCode() {
    if (this.#dir === null) return;
    for (const found of await code.inDirectory(this.#dir, this.#codes)) {
      const number = this.#codes.number(found.path, found.code);
      errors.translated(() =>
        this.#handle.addCode(found.path, found.checksum, code.flagsOf(found.code), number));
    }
  }

  async #report(request, options) {
    const { report, text } = await this.#call(request, options);
    return freeze({ ...report, text });
  }

  #range(direction, { to, steps, all, sql, deadline }) {
    return { direction, target: to == null ? null : String(to), steps: steps ?? 0, deadline_ms: milliseconds(deadline),
      flags: (all ? RUN_ALL : 0) | (sql ? RUN_SQL : 0) };
  }

  /* ---- what can be asked for ---- */

  async up(options = {}) {
    return this.#report({ verb: 'run', ...this.#range(UP, options) }, options);
  }

  async down(options = {}) {
    return this.#report({ verb: 'run', ...this.#range(DOWN, options) }, options);
  }

  async redo(options = {}) {
    return this.#report({ verb: 'run', ...this.#range(REDO, options) }, options);
  }

  async plan(options = {}) {
    return freeze(JSON.parse((await this.#planned('plan', options)).text));
  }

  async script(options = {}) {
    return (await this.#planned('script', options)).text;
  }

  async #planned(verb, options) {
    const direction = { up: UP, down: DOWN, redo: REDO }[options.direction ?? 'up'];
    if (!direction) throw errors.caller('E_ARGUMENT', 100, `direction "${options.direction}": up, down or redo`);
    const request = { verb, ...this.#range(direction, options), dialect: options.dialect };
    if (options.dialect) return this.#apart((other) => other.#call(request, { ...options, connect: false }));
    return this.#call(request, options);
  }

  /* A dialect takes the place of a connection: in a context of its own. */
  async #apart(use) {
    const other = new Migrator({ ...this.#config, database: null });
    try {
      return await use(other);
    } finally {
      await other.close();
    }
  }

  async status(options = {}) {
    return this.#report({ verb: 'status' }, options);
  }

  async verify(options = {}) {
    return this.#report({ verb: 'verify' }, options);
  }

  async baseline(version, options = {}) {
    return this.#report({ verb: 'baseline', target: String(version) }, options);
  }

  async resolve(version, { applied, all, ...options } = {}) {
    if (typeof applied !== 'boolean') {
      throw errors.caller('E_ARGUMENT', 100, 'resolve() needs {applied: true} or {applied: false}');
    }
    const flags = (applied ? 1 : 2) | (all ? 4 : 0);
    return this.#report({ verb: 'resolve', target: String(version), flags }, options);
  }

  async lock(options = {}) {
    return this.#report({ verb: options.break ? 'break' : 'lock' }, options);
  }

  async init({ sql, dialect, ...options } = {}) {
    const request = { verb: 'init', flags: sql ? 1 : 0, dialect };
    if (dialect) return this.#apart((other) => other.#report(request, { ...options, connect: false }));
    return this.#report(request, options);
  }

  async create(name, { pair, ...options } = {}) {
    return this.#report({ verb: 'create', target: String(name), flags: pair ? 1 : 0 }, { ...options, connect: false });
  }

  async hash(options = {}) {
    return (await this.#call({ verb: 'hash' }, { ...options, connect: false })).text;
  }

  async wait({ timeout, ...options } = {}) {
    if (timeout != null) errors.translated(() => this.#handle.set('wait_timeout', optionText(timeout)));
    return this.#report({ verb: 'wait', target: this.#url }, { ...options, connect: false });
  }

  option(key) {
    return errors.translated(() => this.#handle.get(key));
  }

  stop() {
    if (this.#waiting > 0) this.#handle.stop();
  }

  cancel() {
    if (this.#waiting > 0) this.#handle.cancel();
  }

  async close() {
    this.#closed ??= this.#tail.then(() => this.#run({ verb: 'free' })).then(() => {});
    return this.#closed;
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(Migrator.prototype, Symbol.asyncDispose,
    { value: Migrator.prototype.close, writable: true, configurable: true });
}

function optionText(value) {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
}

/* Entries with their texts, read where the source reads them one by one. */
async function withText(source, listed) {
  const entries = [];
  for (const entry of await listed) {
    const whole = typeof entry.up === 'function' || entry.text != null;
    entries.push(whole ? entry : { ...entry, text: await source.read(entry.path) });
  }
  return entries;
}

module.exports = { Migrator };
