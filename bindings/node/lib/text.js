// SPDX-License-Identifier: Apache-2.0
'use strict';

const errors = require('./errors.js');

const UNITS = { ms: 1, s: 1000, m: 60000, h: 3600000 };

/* Milliseconds of 1500, "500ms", "2s", "5m"; 0 of nothing. */
function milliseconds(value) {
  if (value == null) return 0;
  if (typeof value === 'number') return Math.max(1, Math.floor(value));
  const match = /^(\d+)(ms|s|m|h)$/.exec(String(value));
  if (!match) throw errors.caller('E_ARGUMENT', 100, `"${String(value)}" is no duration: "500ms", "2s", "5m"`);
  return Number(match[1]) * UNITS[match[2]];
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

module.exports = { milliseconds, optionText, freeze };
