// SPDX-License-Identifier: Apache-2.0
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { options } = require('..');

/* The types of the options, made from the library's table; run as a program it writes them. */

const FILE = path.join(__dirname, '..', 'lib', 'options.d.ts');
const HEAD = `// SPDX-License-Identifier: Apache-2.0
// Made from the library's table of options by test/options.js.
import type { Lock } from './index.js';

/** Milliseconds, or "500ms", "2s", "5m". */
export type Duration = number | string;

/** Every option of the library. */
export interface Options {
`;
const TYPES = { duration: 'Duration', integer: 'number | string', list: 'string | ReadonlyArray<string>', text: 'string' };

// A driver's key has a dot.
const quoted = (key) => (/^\w+$/.test(key) ? key : `'${key}'`);

function type({ key, type: kind, values }) {
  if (key === 'iam') return "boolean | '0' | '1'";
  const choices = values.split('|').map((value) => `'${value}'`).join(' | ');
  if (key === 'lock') return `${choices} | Lock`;
  return kind === 'choice' ? choices : TYPES[kind];
}

function render() {
  const members = options.filter(({ key }) => !key.endsWith('.')).map((option) => {
    const without = option.default === null ? '' : ` Default: ${option.default}.`;
    return `  /** ${option.doc}${without} */\n  ${quoted(option.key)}?: ${type(option)} | null;\n`;
  });
  return `${HEAD}${members.join('')}}\n`;
}

module.exports = { FILE, render };
if (require.main === module) fs.writeFileSync(FILE, render());
