// SPDX-License-Identifier: Apache-2.0
'use strict';

const errors = require('./errors.js');
const { milliseconds, thrown, is } = require('./text.js');

/* A lock in JavaScript: what its methods return, as the addon's statuses and texts. */

const OURS = 0, FREE = 1, BUSY = 2, THROWN = -1;
const MEMBERS = ['acquire', 'release', 'renew', 'verify', 'inspect', 'breakLock'];
const HOLDER = ['session', 'application', 'host', 'user', 'doing'];

/* Which methods it has, as bits. */
function has(lock) {
  return MEMBERS.reduce((bits, name, i) => bits | (typeof lock[name] === 'function' ? 1 << i : 0), 0);
}

/* Arguments of the addon's useLock(). */
function shape(lock) {
  for (const name of ['acquire', 'release']) {
    if (typeof lock?.[name] !== 'function') {
      throw errors.caller('E_ARGUMENT', 100, `lock: an object with acquire() and release() is wanted, ${name} is missing`);
    }
  }
  return [has(lock), milliseconds(lock.renewEvery), milliseconds(lock.ttl)];
}

function instant(since) {
  if (since == null) return null;
  const ms = typeof since === 'number' ? since : new Date(since).getTime();
  return Number.isFinite(ms) ? String(Math.trunc(ms)) : null;
}

function holderTexts(holder) {
  return [...HOLDER.map((key) => (holder[key] == null ? null : String(holder[key]))), instant(holder.since)];
}

function readHolder(texts) {
  if (!texts || texts.length === 0) return null;
  const holder = Object.fromEntries(HOLDER.map((key, i) => [key, texts[i]]));
  const since = Number(texts[5]);
  return { ...holder, since: since ? new Date(since).toISOString() : null };
}

/* `[status, texts]` of what acquire() returned: an object is whoever has it, false somebody unknown. */
function acquired(value) {
  if (value === false) return [BUSY, holderTexts({})];
  if (value == null || value === true) return [OURS, []];
  if (typeof value === 'object') return [BUSY, holderTexts(value)];
  if (!/^\d{1,20}$/.test(String(value))) throw new TypeError('acquire() returns nothing, a number, or who holds the lock');
  return [OURS, [String(value)]];
}

async function ask(lock, member, key, texts) {
  const name = MEMBERS[member];
  const value = await lock[name](key, ...(name === 'breakLock' ? [readHolder(texts)] : []));
  if (name === 'acquire') return acquired(value);
  if (name === 'inspect') return value == null ? [FREE, []] : [OURS, holderTexts(value)];
  return [OURS, []];
}

/* Answers question `member`: `[status, message, texts, what was thrown]`. */
async function answer(lock, member, key, texts) {
  try {
    const [status, values] = await ask(lock, member, key, texts);
    return [status, null, values, null];
  } catch (value) {
    if (is(value, errors.LockError)) return [value.status_code, value.message, [], null];
    return [THROWN, thrown(value), [], { value }];
  }
}

module.exports = { shape, answer, RENEW: MEMBERS.indexOf('renew') };
