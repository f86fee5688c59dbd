// SPDX-License-Identifier: Apache-2.0
'use strict';

const { native } = require('./native.js');
const errors = require('./errors.js');
const { Course, identity, flagsOf } = require('./code.js');
const locks = require('./lock.js');
const pool = require('./pool.js');
const { inside } = require('./inside.js');
const { thrown } = require('./text.js');

const running = new Set();

/* process.exit() joins the pool's threads: what runs there is cancelled first. */
process.on('exit', () => {
  for (const call of running) call.handle.cancel();
});

/* One call on a context: starts it, answers what it asks, settles its promise. */
class Call {
  constructor(owner, request) {
    this.owner = owner; // {handle, codes, callbacks, migrator}
    this.handle = owner.handle;
    this.request = request;
    this.opened = false; // it opened the database, whatever came after
    this.failed = null; // name of the status
    this.course = null;
    this.thrown = null; // what a callback of the application threw, to be thrown as it was
    this.heard = null; // what the listener threw
    this.lockTurn = Promise.resolve();
  }

  async run() {
    const leave = await pool.enter(inside.nested());
    try {
      return await new Promise((resolve, reject) => this.start(resolve, reject));
    } finally {
      leave();
    }
  }

  start(resolve, reject) {
    const listener = (kind, payload) => {
      if (kind === 'done') {
        running.delete(this);
        this.settle(payload, resolve, reject);
      } else {
        this[kind](payload);
      }
    };
    errors.translated(() => this.handle.start(this.request, listener));
    running.add(this);
  }

  settle(outcome, resolve, reject) {
    const report = outcome.json ? JSON.parse(outcome.json) : null;
    this.opened = outcome.opened;
    this.failed = outcome.failure?.name ?? null;
    if (!outcome.failure) {
      if (this.heard) {
        process.emitWarning(`a listener failed when all was done: ${thrown(this.heard.value)}`, 'libmigrate');
      }
      return resolve({ report, text: outcome.text, rows: outcome.rows, plan: outcome.plan });
    }
    this.thrown ??= this.heard;
    if (this.thrown && ['E_CALLBACK', 'E_STOPPED'].includes(outcome.failure.name)) return reject(this.thrown.value);
    return reject(errors.make({ ...outcome.failure, report }));
  }

  alive() {}

  event({ text }) {
    try {
      const made = this.owner.callbacks.onEvent(JSON.parse(text));
      if (typeof made?.then === 'function') made.then(undefined, (value) => this.refused(value));
    } catch (value) {
      this.refused(value);
    }
  }

  /* The listener failed: the run stops, and rejects with that. One that fails later has no call to stop. */
  refused(value) {
    if (!running.has(this)) throw value;
    this.heard ??= { value };
    this.handle.stop();
  }

  /* Answers a question with what `make` comes to; values are texts. */
  async reply(talk, make) {
    try {
      native.answer(talk, 0, null, await inside.run(this.owner.migrator, make));
    } catch (value) {
      this.thrown = { value };
      native.answer(talk, -1, thrown(value), []);
    }
  }

  login({ text, number, amount, talk }) {
    const question = { url: text, reason: number === 1 ? 'rejected' : 'first', remaining_ms: amount };
    return this.reply(talk, async () => {
      const answer = (await this.owner.callbacks.credentials(question)) ?? {};
      return Object.entries(answer).filter(([, v]) => v != null)
        .flatMap(([key, v]) => [key, v === true ? '1' : String(v)]);
    });
  }

  list({ talk }) {
    return this.reply(talk, async () => {
      const values = [];
      for (const entry of await this.owner.callbacks.list()) values.push(...this.entry(entry));
      return values;
    });
  }

  entry(entry) {
    if (typeof entry.up !== 'function') return [entry.path, entry.text, null, '0', null];
    return [entry.path, null, identity(entry), String(flagsOf(entry)), String(this.owner.codes.number(entry.path, entry))];
  }

  async code({ number, amount, talk }) {
    const code = this.owner.codes.at(number);
    const course = new Course(native, talk, errors.make);
    this.course = course;
    this.thrown = null;
    try {
      await inside.run(this.owner.migrator,
        () => (amount === 2 ? code.down : code.up).call(code, { execute: course.execute }));
      await course.finish();
      native.answer(talk, 0, null, []);
    } catch (value) {
      await course.finish().catch(() => {});
      await course.last;
      if (course.failure !== null && value === course.failure) return native.answer(talk, 1, value.message, []);
      this.thrown = { value };
      native.answer(talk, -1, thrown(value), []);
    }
    return undefined;
  }

  rows(payload) {
    this.course.rows(payload);
  }

  /* One question after the other: a lock is not given back while it is being renewed. */
  lock({ number, text, texts, talk }) {
    this.lockTurn = this.lockTurn.then(async () => {
      const lock = this.owner.callbacks.lock;
      const [status, message, values, thrown] = await inside.run(this.owner.migrator,
        () => locks.answer(lock, number, text, texts));
      if (thrown && number !== locks.RENEW) this.thrown = thrown; // a failed renewal is tried again
      native.answer(talk, status, message, values);
    });
  }
}

module.exports = { Call };
