// SPDX-License-Identifier: Apache-2.0
'use strict';

const errors = require('./errors.js');

const UNITS = { ms: 1, s: 1000, m: 60000, h: 3600000 };

const MOST_MS = 2 ** 40; // more than any clock here is good for

/* Milliseconds of 1500, "500ms", "2s", "5m"; 0 of nothing. */
function milliseconds(value) {
  if (value == null) return 0;
  const match = /^(\d+)(ms|s|m|h)$/.exec(words(value));
  const ms = typeof value === 'number' ? value : match ? Number(match[1]) * UNITS[match[2]] : NaN;
  if (ms > 0 && ms <= MOST_MS) return Math.ceil(ms);
  throw errors.caller('E_ARGUMENT', 100, `"${words(value)}" is no duration: "500ms", "2s", "5m"`);
}

/* Any value in words, for a message. */
function words(value) {
  try {
    return value instanceof Error ? `${value.name}: ${value.message}` : String(value);
  } catch {
    return 'something without a text';
  }
}

/* Of a value that may even be a revoked proxy. */
function is(value, kind) {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

/* What a callback threw. */
function thrown(value) {
  return is(value, Error) ? words(value) : `thrown: ${words(value)}`;
}

/* An option's value as the library takes it. */
function optionText(value, type) {
  if (type === 'duration' && typeof value === 'number') return value === 0 ? '0' : `${value}ms`;
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
}

/* JSON's objects, unchangeable. */
function freeze(value) {
  if (value && typeof value === 'object') Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

module.exports = { milliseconds, optionText, freeze, words, thrown, is };
