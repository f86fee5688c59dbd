// SPDX-License-Identifier: Apache-2.0
'use strict';

const { fileURLToPath } = require('node:url');
const { native, library } = require('./native.js');
const errors = require('./errors.js');
const code = require('./code.js');
const { Call } = require('./call.js');
const { inside } = require('./inside.js');
const locks = require('./lock.js');
const plans = require('./plan.js');
const { checked, version, range, name } = require('./range.js');
const { optionText, freeze, words, is } = require('./text.js');

const UP = 1, DOWN = 2, REDO = 3;
const DIRECTIONS = new Map([['up', UP], ['down', DOWN], ['redo', REDO]]);
const UPWARD = ['to', 'steps', 'deadline'], BACKWARD = [...UPWARD, 'all'];
const SCHEMES = { sqlite: 'sqlite', postgres: 'postgres', postgresql: 'postgres', mysql: 'mysql', mariadb: 'mysql',
  'rds-data': 'rds_data' };
/* After these the connection may be gone: some servers end a session to end its statement. */
const LOSING = ['E_LOCK_LOST', 'E_FENCED', 'E_CONN_LOST', 'E_CANCELLED', 'E_DEADLINE'];
const TYPES = new Map(native.options.map(({ key, type }) => [key, type]));

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
  #read = new Map(); // checksums of the files of code in #dir
  #callbacks = {};
  #url;
  #dir = null;
  #aws = null;
  #opened = false;
  #tail = Promise.resolve();
  #waiting = 0;
  #asked = false; // by stop() or cancel(), which end what waits too
  #config;
  #closed = null;

  constructor(config = {}) {
    const { database, source = 'migrations', onEvent, credentials, driver, ...options } = config;
    callable({ onEvent, credentials });
    this.#config = config;
    this.#url = database == null ? null : String(database);
    this.#callbacks = { onEvent, credentials, list: null, lock: null };
    errors.translated(() => {
      this.#setOptions(options);
      this.#handle.listen(Boolean(onEvent), Boolean(credentials));
      if (source !== null) this.#useSource(source);
      if (driver) this.#handle.loadDriver(driver, null, false);
      this.#loadDriver();
    });
  }

  #setOptions(options) {
    for (const [key, value] of Object.entries(options)) {
      if (value == null) continue;
      if (key === 'placeholders') {
        for (const [name, text] of Object.entries(value)) this.#handle.set(`placeholder.${name}`, String(text));
      } else if (key === 'lock' && typeof value === 'object') {
        this.#handle.useLock(...locks.shape(value));
        this.#callbacks.lock = value;
      } else {
        this.#handle.set(key, optionText(value, TYPES.get(key)));
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
      if (!Array.isArray(source) && typeof source?.list !== 'function') {
        throw errors.caller('E_ARGUMENT', 100, 'source: a directory, an array of migrations, or an object with list()');
      }
      this.#callbacks.list = () => withText(source, list());
      this.#handle.useSource();
    }
  }

  /* The scheme picks the driver's library; where there is none, opening says which schemes there are. */
  #loadDriver() {
    const name = SCHEMES[/^([a-z-]+):/.exec(this.#url ?? '')?.[1]];
    if (!name || this.#config.driver) return;
    if (this.#handle.addDriver(name)) return;
    const found = library(name === 'rds_data' ? 'libmigrate-aws' : `libmigrate-${name}`);
    this.#handle.loadDriver(found.file, name, found.search);
  }

  /* ---- one call after the other ---- */

  async #call(request, { signal, connect = true, around } = {}) {
    signal?.throwIfAborted();
    this.#usable();
    this.#waiting++;
    let begun = false;
    const turn = this.#tail.then(() => {
      begun = true;
      return this.#perform(request, signal, connect, around);
    });
    this.#tail = turn.catch(() => {});
    return signal ? orAborted(turn, signal, () => begun) : turn;
  }

  #usable() {
    if (this.#closed) throw errors.caller('E_MISUSE', 101, 'this Migrator is closed');
    if (!inside.of(this)) return;
    throw errors.caller('E_MISUSE', 101, 'a Migrator cannot be used from within a callback of its own');
  }

  #idle() {
    this.#usable();
    if (this.#waiting > 0) throw errors.caller('E_MISUSE', 101, 'a call is under way');
  }

  async #perform(request, signal, connect, around) {
    const cancel = () => this.#handle.cancel();
    try {
      signal?.throwIfAborted();
      await this.#findCode();
      if (around) errors.translated(around.before);
      signal?.throwIfAborted();
      signal?.addEventListener('abort', cancel, { once: true });
      return await this.#run(this.#connecting(request, connect));
    } catch (error) {
      if (signal?.aborted && is(error, errors.Stopped)) error.cause = signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      around?.after();
      if (--this.#waiting === 0) this.#asked = false;
      if (!this.#asked) this.#handle.resume(); // a signal, or a failed listener, ended this call alone
    }
  }

  #connecting(request, connect) {
    if (!connect || this.#opened) return request;
    if (this.#url == null && !this.#aws) throw errors.caller('E_ARGUMENT', 100, 'no `database` was given');
    return { ...request, url: this.#url, aws: this.#aws };
  }

  async #run(request) {
    const owner = { handle: this.#handle, codes: this.#codes, callbacks: this.#callbacks, migrator: this };
    const call = new Call(owner, request);
    try {
      return await call.run();
    } finally {
      this.#opened ||= call.opened;
      if (this.#opened && LOSING.includes(call.failed) && !/^sqlite:/.test(this.#url ?? '')) {
        this.#opened = false; // the next call connects anew
        await new Call(owner, { verb: 'close' }).run();
      }
    }
  }

  async #findCode() {
    if (this.#dir === null) return;
    for (const found of await code.inDirectory(this.#dir, this.#read)) {
      this.#addCode(found.path, found.checksum, found.code);
      this.#read.set(found.path, found.checksum);
    }
  }

  #addCode(path, checksum, functions) {
    const number = this.#codes.number(path, functions);
    errors.translated(() => this.#handle.addCode(path, checksum, code.flagsOf(functions), number));
  }

  async #report(request, options) {
    const { report, text } = await this.#call(request, options);
    return freeze({ ...report, text });
  }

  /* ---- what can be asked for ---- */

  async up(options = {}) {
    return this.#report({ verb: 'run', ...range(UP, checked(options, ...UPWARD)) }, options);
  }

  async down(options = {}) {
    return this.#report({ verb: 'run', ...range(DOWN, checked(options, ...BACKWARD)) }, options);
  }

  async redo(options = {}) {
    return this.#report({ verb: 'run', ...range(REDO, checked(options, ...BACKWARD)) }, options);
  }

  async plan(options = {}) {
    const { text, plan } = await this.#planned('plan', options);
    return plans.make(text, plan);
  }

  async apply(plan, options = {}) {
    return plans.lend(plan, (native) => this.#report({ verb: 'apply', plan: native }, checked(options)));
  }

  async statements(plan, index, options = {}) {
    if (!Number.isInteger(index) || index < 0 || index >= (plan?.steps?.length ?? 0)) {
      throw errors.caller('E_ARGUMENT', 100, `the plan has no step ${String(index)}`);
    }
    return plans.lend(plan, async (native) =>
      plans.statements((await this.#call({ verb: 'statements', plan: native, steps: index }, checked(options))).rows));
  }

  async script(what = {}, options = {}) {
    if (!plans.isPlan(what)) return (await this.#planned('script', what)).text;
    checked(options);
    return plans.lend(what, async (native) => (await this.#call({ verb: 'script', plan: native }, options)).text);
  }

  async #planned(verb, options) {
    checked(options, ...BACKWARD, 'direction', 'sql', 'dialect');
    const direction = DIRECTIONS.get(options.direction ?? 'up');
    if (!direction) throw errors.caller('E_ARGUMENT', 100, `direction "${words(options.direction)}": up, down or redo`);
    const request = { verb, ...range(direction, options), dialect: options.dialect };
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
    return this.#report({ verb: 'status' }, checked(options));
  }

  async verify(options = {}) {
    return this.#report({ verb: 'verify' }, checked(options));
  }

  async baseline(at, options = {}) {
    return this.#report({ verb: 'baseline', target: version(at, 'version') }, checked(options));
  }

  async resolve(at, { applied, all, ...options } = {}) {
    if (typeof applied !== 'boolean') {
      throw errors.caller('E_ARGUMENT', 100, 'resolve() needs {applied: true} or {applied: false}');
    }
    const flags = (applied ? 1 : 2) | (all ? 4 : 0);
    return this.#report({ verb: 'resolve', target: version(at, 'version'), flags }, checked(options));
  }

  async lock(options = {}) {
    return this.#report({ verb: checked(options, 'break').break ? 'break' : 'lock' }, options);
  }

  async init({ sql, dialect, ...options } = {}) {
    const request = { verb: 'init', flags: sql ? 1 : 0, dialect };
    checked(options);
    if (dialect) return this.#apart((other) => other.#report(request, { ...options, connect: false }));
    return this.#report(request, options);
  }

  async create(called, { pair, ...options } = {}) {
    const request = { verb: 'create', target: name(called), flags: pair ? 1 : 0 };
    return this.#report(request, { ...checked(options), connect: false });
  }

  async hash(options = {}) {
    return (await this.#call({ verb: 'hash' }, { ...checked(options), connect: false })).text;
  }

  async wait({ timeout, ...options } = {}) {
    const around = timeout == null ? undefined : this.#meanwhile('wait_timeout', optionText(timeout, 'duration'));
    return this.#report({ verb: 'wait', target: this.#url }, { ...checked(options), connect: false, around });
  }

  /* An option that has another value during one call. */
  #meanwhile(key, text) {
    let was = null;
    return {
      before: () => {
        was = this.#handle.get(key);
        this.#handle.set(key, text);
      },
      after: () => was !== null && this.#handle.set(key, was),
    };
  }

  async open(options = {}) {
    await this.#call({ verb: 'open' }, checked(options));
  }

  /* Joins a migration to those of the source. */
  add(entry) {
    this.#idle();
    if (typeof entry?.path !== 'string') throw errors.caller('E_ARGUMENT', 100, 'a migration has a path');
    if (typeof entry.up === 'function') return this.#addCode(entry.path, code.identity(entry), entry);
    if (typeof entry.text !== 'string' && !(entry.text instanceof Uint8Array)) {
      throw errors.caller('E_ARGUMENT', 100, `${entry.path}: a migration has a text, or a function up()`);
    }
    return errors.translated(() => this.#handle.addFile(entry.path, entry.text));
  }

  option(key) {
    this.#idle();
    return errors.translated(() => this.#handle.get(key));
  }

  stop() {
    if (this.#waiting === 0) return;
    this.#asked = true;
    this.#handle.stop();
  }

  cancel() {
    if (this.#waiting === 0) return;
    this.#asked = true;
    this.#handle.cancel();
  }

  async close() {
    if (inside.of(this)) this.#usable();
    this.#closed ??= this.#tail.then(() => this.#run({ verb: 'free' })).then(() => {});
    return this.#closed;
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(Migrator.prototype, Symbol.asyncDispose,
    { value: Migrator.prototype.close, writable: true, configurable: true });
}

/* A call that still waits its turn when its signal comes is not waited for. */
function orAborted(turn, signal, begun) {
  return new Promise((resolve, reject) => {
    const give = () => begun() || reject(signal.reason);
    signal.addEventListener('abort', give, { once: true });
    turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}

/* A callback that cannot be called is told at once, not in the middle of a run. */
function callable(callbacks) {
  for (const [name, value] of Object.entries(callbacks)) {
    if (value == null || typeof value === 'function') continue;
    throw errors.caller('E_ARGUMENT', 100, `${name}: a function is wanted, not ${typeof value}`);
  }
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
