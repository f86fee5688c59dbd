// SPDX-License-Identifier: Apache-2.0
'use strict';

const { inspect } = require('node:util');
const errors = require('./errors.js');
const { milliseconds } = require('./text.js');

/* What calls are given, as the addon takes it. What cannot be meant is refused: a number of steps that is none, or an
 * option that is misspelt, would otherwise run all there is. */

const RUN_ALL = 1, RUN_SQL = 2;

const shown = (value) => inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 80 });

function bad(message) {
  return errors.caller('E_ARGUMENT', 100, message);
}

/* Options of a call, which takes a signal and those `names`. */
function checked(options, ...names) {
  if (options === null || typeof options !== 'object') throw bad(`options: an object is wanted, not ${shown(options)}`);
  const known = [...names, 'signal'];
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || known.includes(key)) continue;
    throw bad(`no option "${key}" here: there are ${known.join(', ')}`);
  }
  return options;
}

function version(value, what) {
  if (typeof value === 'string' || typeof value === 'bigint') return String(value);
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw bad(`${what}: a version is wanted, not ${shown(value)}`);
}

function count(steps) {
  if (steps == null) return 0;
  if (Number.isSafeInteger(steps) && steps >= 1) return steps;
  throw bad(`steps: a number from 1 is wanted, not ${shown(steps)}`);
}

function range(direction, { to, steps, all, sql, deadline }) {
  return { direction, target: to == null ? null : version(to, 'to'), steps: count(steps),
    deadline_ms: milliseconds(deadline), flags: (all ? RUN_ALL : 0) | (sql ? RUN_SQL : 0) };
}

function name(value) {
  if (typeof value === 'string') return value;
  throw bad(`name: a string is wanted, not ${shown(value)}`);
}

module.exports = { checked, version, range, name };
