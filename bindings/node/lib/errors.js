// SPDX-License-Identifier: Apache-2.0
'use strict';

/* One class for each class of status, which says what to do about it. */

const FIELDS = ['hint', 'state', 'sqlstate', 'code', 'version', 'path', 'line', 'column', 'statement'];

class MigrateError extends Error {
  /* facts: {name, status, json, text, report} */
  constructor(facts) {
    const error = facts.json ? JSON.parse(facts.json).error : { message: facts.text };
    super(error.message);
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    this.status = facts.name;
    this.status_code = facts.status;
    for (const key of FIELDS) this[key] = error[key] || null; // 0: there is none
    this.text = facts.text || error.message;
    this.report = facts.report ?? null;
  }
}

class CallerError extends MigrateError {}
class ProcessError extends MigrateError {}
class SourceError extends MigrateError {}
class StateError extends MigrateError {}
class LockError extends MigrateError {}
class DatabaseError extends MigrateError {}
class Stopped extends MigrateError {}
class Bug extends MigrateError {}

/* What a lock throws when another has it. */
class LockLost extends LockError {
  constructor(message = 'another has the lock') {
    super({ name: 'E_LOCK_LOST', status: 501, json: null, text: message });
  }
}

const CLASSES = { 1: CallerError, 2: ProcessError, 3: SourceError, 4: StateError, 5: LockError,
  6: DatabaseError, 7: Stopped };

function make(facts) {
  return new (CLASSES[Math.floor(facts.status / 100)] || Bug)(facts);
}

function caller(name, status, message) {
  return new CallerError({ name, status, json: null, text: message });
}

/* A file of code is not as it was read: it cannot be read again. */
function moved(path, what) {
  const message = `${path}: ${what} since this Migrator read it: make a new one`;
  return Object.assign(new SourceError({ name: 'E_SOURCE_MOVED', status: 309, json: null, text: message }), { path });
}

/* Runs a call of the addon's that throws its failures as plain objects. */
function translated(call) {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof Error || typeof thrown?.status !== 'number') throw thrown;
    throw make(thrown);
  }
}

module.exports = { MigrateError, CallerError, ProcessError, SourceError, StateError, LockError, DatabaseError,
  Stopped, Bug, LockLost, make, caller, moved, translated };
