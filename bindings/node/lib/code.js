// SPDX-License-Identifier: Apache-2.0
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const errors = require('./errors.js');

/* Code migrations: finding them in a directory, and the JavaScript side of running one. */

const FILE = /^(?:\d|[VvRr]\d*__).*\.(?:js|mjs|cjs)$/;
const REVERSIBLE = 1, NO_TRANSACTION = 2;

function checksum(text) {
  const plain = Buffer.from(String(text).replace(/\r\n?/g, '\n'));
  return 'sha256:' + crypto.createHash('sha256').update(plain).digest('hex');
}

function flagsOf(code) {
  return (code.down ? REVERSIBLE : 0) | (code.transaction === false ? NO_TRANSACTION : 0);
}

/* What the history knows code by that is in no file. */
function identity(code) {
  return code.checksum ?? checksum(`${code.up}\n${code.down ?? ''}`);
}

/* By what checksum a file was first imported in this process. Later texts of it get URLs of their own: under the first
 * the old module would come. */
const imported = new Map();

async function importFile(file, sum) {
  const url = pathToFileURL(file);
  if (!imported.has(file)) imported.set(file, sum);
  if (imported.get(file) !== sum) {
    delete require.cache[await fs.realpath(file)];
    url.search = sum;
  }
  const found = await import(url.href);
  const code = typeof found.up === 'function' ? found : found.default;
  if (typeof code?.up !== 'function') throw new TypeError(`${file} exports no function up()`);
  return code;
}

/* The context keeps code that it was given. */
function check(known, name, sum) {
  if (known.get(name) !== sum) throw errors.moved(name, sum ? 'the file changed' : 'the file is gone');
}

/* `[{path, code, checksum}]` of directory `dir`, but for what is in `known`, a map of paths to checksums. */
async function inDirectory(dir, known) {
  let names;
  try {
    names = await fs.readdir(dir);
  } catch {
    return []; // the engine says it better
  }
  const found = [];
  for (const name of known.keys()) if (!names.includes(name)) check(known, name, null);
  for (const name of names.filter((n) => FILE.test(n)).sort()) {
    const file = path.resolve(dir, name);
    const sum = checksum(await fs.readFile(file));
    if (known.has(name)) check(known, name, sum);
    else found.push({ path: name, code: await importFile(file, sum), checksum: sum });
  }
  return found;
}

/* What is bound to a `?`: the server reads it from text. */
function parameter(value) {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (['string', 'number', 'bigint'].includes(typeof value)) return String(value);
  throw new TypeError(`a parameter is a string, a number, a date, bytes or null, not ${typeof value}`);
}

function parameters(values) {
  if (values == null) return undefined;
  if (!Array.isArray(values)) throw new TypeError('params: an array is wanted');
  return values.map(parameter);
}

/* Statements of one run of one migration, one after the other. */
class Course {
  constructor(native, talk, fail) {
    this.native = native;
    this.talk = talk;
    this.fail = fail;
    this.last = Promise.resolve();
    this.pending = new Set();
    this.waiting = null;
    this.failure = null;
    this.execute = (sql, params) => this.queue(sql, params);
  }

  queue(sql, params) {
    const next = this.last.then(() => this.send(sql, params));
    this.pending.add(next);
    this.last = next.catch(() => {}).then(() => this.pending.delete(next));
    return next;
  }

  /* Statements that nobody awaited belong to the migration too; one of them that fails is its failure. */
  async finish() {
    await Promise.all(this.pending);
    await this.last;
  }

  send(sql, params) {
    if (typeof sql !== 'string' && !(sql instanceof Uint8Array)) throw new TypeError('sql: a string is wanted');
    const values = parameters(params);
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      if (!this.native.exec(this.talk, sql, values)) {
        this.waiting = null;
        reject(this.failure ?? new Error('execute() after the migration has ended'));
      }
    });
  }

  rows(payload) {
    const { resolve, reject } = this.waiting;
    this.waiting = null;
    this.failure = null; // the addon knows the last statement's, too
    if (payload.status === 0) return resolve(payload.rows);
    this.failure = this.fail({ ...payload, text: payload.message });
    return reject(this.failure);
  }
}

module.exports = { Course, identity, flagsOf, inDirectory, isCode: (name) => FILE.test(name) };
