// SPDX-License-Identifier: Apache-2.0
'use strict';

const errors = require('./errors.js');
const { freeze } = require('./text.js');

/* The library's plan behind the object that plan() gave, and whether a call works on it. */
const known = new WeakMap();

const DESTRUCTIVE = 1, MAY_DOUBT = 2, ALONE = 4;

function make(json, native) {
  const plan = freeze(JSON.parse(json));
  known.set(plan, { native, busy: false });
  return plan;
}

/* Lends what is behind `plan` to `use`; one call at a time works on it. */
async function lend(plan, use) {
  const behind = known.get(Object(plan));
  if (!behind) throw errors.caller('E_ARGUMENT', 100, 'a plan that plan() gave is wanted');
  if (behind.busy) throw errors.caller('E_MISUSE', 101, 'another call works on this plan');
  behind.busy = true;
  try {
    return await use(behind.native);
  } finally {
    behind.busy = false;
  }
}

function statement([text, line, flags, note]) {
  return { text: text ?? '', line: Number(line), destructive: (flags & DESTRUCTIVE) !== 0,
    may_doubt: (flags & MAY_DOUBT) !== 0, alone: (flags & ALONE) !== 0, note };
}

const statements = (rows) => freeze(rows.map(statement));

const isPlan = (value) => known.has(Object(value));

module.exports = { make, lend, statements, isPlan };
