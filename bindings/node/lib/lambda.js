// SPDX-License-Identifier: Apache-2.0
'use strict';

const fs = require('node:fs');
const { library, loadLambda } = require('./native.js');
const errors = require('./errors.js');

const native = loadLambda();
const DRIVERS = { sqlite: 'libmigrate-sqlite', postgres: 'libmigrate-postgres', mysql: 'libmigrate-mysql' };
let server = null;

/* The drivers that the package brings, besides the Data API's, which the handler has. */
function drivers() {
  return Object.entries(DRIVERS).map(([name, file]) => [library(file).file, name])
    .filter(([file]) => fs.existsSync(file)).flat();
}

/* What a failed invocation throws: its name is the error type that Lambda reports. */
function failure(reply) {
  const body = JSON.parse(reply.body);
  const error = new Error(body.errorMessage ?? reply.text);
  Object.defineProperty(error, 'name', { value: reply.error });
  return error;
}

/* Handler of a Node function in the managed runtime: `libmigrate/lambda.handler`, configured as `bootstrap`. */
async function handler(event, context = {}) {
  server ??= errors.translated(() => native.server(Object.entries(process.env).flat(), drivers()));
  const remaining = context.getRemainingTimeInMillis?.() ?? 2 ** 53 - 1;
  const reply = await native.handle(server, JSON.stringify(event ?? {}), context.awsRequestId ?? null, remaining,
    context.invokedFunctionArn ?? null).catch((thrown) => { throw errors.make(thrown); });
  if (reply.error) throw failure(reply);
  return JSON.parse(reply.body);
}

process.on('SIGTERM', () => { if (server) native.stop(server); });

module.exports = { handler };
