// SPDX-License-Identifier: Apache-2.0
'use strict';

/* An Express application that migrates its database before it listens. Any number of instances may start at once: each
 * migration runs once, and an instance listens only when the database is as its code wants it.
 *
 *     DATABASE_URL=postgres://app@db.example.org/app PORT=3000 node server.js
 */

const path = require('node:path');
const express = require('express');
const { Migrator, MigrateError } = require('libmigrate');
const pg = require('pg');

const database = process.env.DATABASE_URL;

async function migrate(signal) {
  const migrator = new Migrator({ database, source: path.join(__dirname, 'migrations'), client: 'notes' });
  try {
    const report = await migrator.up({ signal });
    console.log(report.text);
  } finally {
    await migrator.close();
  }
}

function application(pool) {
  const app = express();
  app.use(express.json());
  app.get('/notes', async (request, response) => {
    response.json((await pool.query('SELECT id, text FROM notes ORDER BY id')).rows);
  });
  app.post('/notes', async (request, response) => {
    const sql = 'INSERT INTO notes (text) VALUES ($1) RETURNING id, text';
    response.status(201).json((await pool.query(sql, [String(request.body.text)])).rows[0]);
  });
  return app;
}

async function main() {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  await migrate(stop.signal);
  if (stop.signal.aborted) return;
  const pool = new pg.Pool({ connectionString: database });
  const server = application(pool).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    console.log(`listening on ${server.address().port}`);
  });
  stop.signal.addEventListener('abort', () => server.close(() => pool.end()));
}

main().catch((error) => {
  console.error(error instanceof MigrateError ? error.text : error);
  process.exitCode = 1;
});
