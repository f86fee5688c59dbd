// SPDX-License-Identifier: Apache-2.0
'use strict';

/* Runs with migrations in SQL and JavaScript are killed at any time, again and again, until one comes through; every
 * migration has then happened exactly once. $ROUNDS databases. */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { rows, sleep, theServer } = require('./helper.js');
const kills = require('./kills.js');

const ROUNDS = Number(process.env.ROUNDS ?? 25);
const PACKAGE = path.join(__dirname, '..');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'libmigrate-kills-'));
const server = theServer() ?? { create: async () => `sqlite:${path.join(dir, `${process.hrtime.bigint()}.db`)}` };

/* Each migration takes its time, so that a kill meets all of them. */
function write(source) {
  fs.mkdirSync(source);
  for (const [name, text] of Object.entries(kills.FILES)) {
    fs.writeFileSync(path.join(source, name), text.replaceAll('point();', 'await new Promise((r) => setTimeout(r, 15));'));
  }
}

/* Begins a run and kills it some time after it has begun; was it killed? */
async function attempt(env) {
  const child = spawn(process.execPath, ['-e', `console.log('up'); ${kills.RUN}`],
    { cwd: PACKAGE, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal })));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await Promise.race([sleep(Math.random() * 300), ended]);
  child.kill('SIGKILL');
  const { status, signal } = await ended;
  if (signal !== 'SIGKILL' && status !== 0) throw new Error(`a run ended with ${status}`);
  return signal === 'SIGKILL';
}

async function main() {
  const source = path.join(dir, 'migrations');
  write(source);
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const url = await server.create();
    const env = { URL_: url, SOURCE_: source };
    for (let i = 0; i < 6 && await attempt(env); i++) killed++;
    await kills.again(env);
    await kills.whole((sql) => rows(url, sql));
  }
  console.log(`${ROUNDS} databases, ${killed} kills: every migration exactly once`);
}

main().finally(() => fs.rmSync(dir, { recursive: true, force: true }));
