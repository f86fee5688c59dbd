// SPDX-License-Identifier: Apache-2.0
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/* A folder of the test's own, with `files` in migrations/, gone at its end. */
function scratch(t, files = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'libmigrate-node-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const source = path.join(dir, 'migrations');
  fs.mkdirSync(source);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(source, name), text);
  const file = path.join(dir, 'app.db');
  const config = { database: `sqlite:${file}`, source };
  return { dir, file, config, ...config };
}

/* What another program sees in an SQLite file: an array of rows of text. */
function sqlite(file, sql) {
  const script = 'import json,sqlite3,sys\n' +
    'print(json.dumps([list(r) for r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]))';
  return JSON.parse(execFileSync('python3', ['-c', script, file, sql], { encoding: 'utf8' }));
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = { scratch, sqlite, sleep };
