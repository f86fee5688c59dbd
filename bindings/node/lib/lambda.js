// SPDX-License-Identifier: Apache-2.0
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { isCode } = require('./code.js');
const { library, loadLambda } = require('./native.js');
const errors = require('./errors.js');

const native = loadLambda();
const DRIVERS = { sqlite: 'libmigrate-sqlite', postgres: 'libmigrate-postgres', mysql: 'libmigrate-mysql' };
let server = null;
let turn = Promise.resolve();
let serving = 0;

/* The drivers that the package brings, besides the Data API's, which the handler has. */
function drivers() {
  return Object.entries(DRIVERS).flatMap(([name, file]) => {
    const found = library(file).file;
    return [fs.existsSync(found) ? found : null, name];
  });
}

/* Where the function's migrations are, as the library finds them. */
function folder({ LAMBDA_TASK_ROOT: root = '.', MIGRATE_SOURCE: said }) {
  if (said) return path.isAbsolute(said) || fs.existsSync(said) ? said : path.join(root, said);
  const usual = path.join(root, 'migrations');
  return fs.existsSync(usual) ? usual : '/opt/migrations';
}

/* JavaScript does not run there. It is not passed over: the rest would run without it. */
function refusal() {
  let names = [];
  try {
    names = fs.readdirSync(folder(process.env));
  } catch {
    return []; // the library says it better
  }
  const found = names.sort().find(isCode);
  return found ? [`${found} is JavaScript, which the handler of a function does not run`,
    'write it in SQL, or call a Migrator in a handler of your own'] : [];
}

/* What a failed invocation throws: its name is the error type that Lambda reports, `reply` the whole answer. */
function failure(reply) {
  const body = JSON.parse(reply.body);
  const error = new Error(body.errorMessage ?? reply.text);
  Object.defineProperty(error, 'name', { value: reply.error });
  Object.defineProperty(error, 'reply', { value: body });
  return error;
}

/* The managed runtime makes the function's log of what the console is told, in its format. */
const chatty = ['DEBUG', 'TRACE'].includes(process.env.AWS_LAMBDA_LOG_LEVEL);

function log(level, text) {
  if (level !== 'debug' || chatty) console[level](text);
}

async function serve(event, context) {
  server ??= errors.translated(() => native.server(Object.entries(process.env).flat(), drivers(), refusal()));
  const remaining = context.getRemainingTimeInMillis?.() ?? 2 ** 53 - 1;
  const reply = await native.handle(server, JSON.stringify(event ?? {}), context.awsRequestId ?? null, remaining,
    context.invokedFunctionArn ?? null, log).catch((thrown) => { throw errors.make(thrown); });
  if (reply.error) throw failure(reply);
  return JSON.parse(reply.body);
}

/* Handler of a Node function in the managed runtime: `libmigrate/lambda.handler`, configured as `bootstrap`. One
 * invocation at a time, whoever calls. */
async function handler(event, context = {}) {
  serving++;
  const mine = turn.then(() => serve(event, context ?? {}));
  turn = mine.catch(() => {});
  try {
    return await mine;
  } finally {
    serving--;
  }
}

/* The end of the environment: what runs stops between statements and answers that work is left. */
process.once('SIGTERM', () => {
  if (serving > 0) native.stop(server);
  else process.kill(process.pid, 'SIGTERM');
});

module.exports = { handler };
