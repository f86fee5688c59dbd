// SPDX-License-Identifier: Apache-2.0
// What a migration function in Node does: pg, a lock, a table of what is applied, compared with the files. The loop stands
// for Lambda's runtime client, which would take time of its own.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { Client } = require('pg');

const folder = process.env.MIGRATE_SOURCE;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');

function call(method, what, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, agent, path: `/2018-06-01/runtime/invocation/${what}` }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.headers));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function handle() {
  const files = new Map();
  for (const name of fs.readdirSync(folder).sort()) {
    const text = fs.readFileSync(path.join(folder, name));
    files.set(name.split('_')[0], crypto.createHash('sha256').update(text).digest('hex'));
  }
  const db = new Client({ connectionString: process.env.MIGRATE_DATABASE_URL });
  await db.connect();
  try {
    await db.query('SELECT pg_advisory_lock(4711)');
    await db.query('CREATE TABLE IF NOT EXISTS node_migrations (version text PRIMARY KEY, checksum text)');
    const { rows } = await db.query('SELECT version, checksum FROM node_migrations');
    const applied = new Map(rows.map((r) => [r.version, r.checksum]));
    for (const [version, checksum] of files) {
      if (!applied.has(version)) await db.query('INSERT INTO node_migrations VALUES ($1, $2)', [version, checksum]);
      else if (applied.get(version) !== checksum) throw new Error(`${version} was changed`);
    }
    await db.query('SELECT pg_advisory_unlock(4711)');
  } finally {
    await db.end();
  }
  return '{"state":"current"}';
}

(async () => {
  for (;;) {
    const headers = await call('GET', 'next');
    await call('POST', `${headers['lambda-runtime-aws-request-id']}/response`, await handle());
  }
})();
