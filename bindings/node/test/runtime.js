// SPDX-License-Identifier: Apache-2.0
'use strict';

/* A double of the managed runtime of Node: takes invocations from the Runtime API ($AWS_LAMBDA_RUNTIME_API) one after
 * the other and gives them to the package's handler, so that the tests of the function's bootstrap run against it. */

const http = require('node:http');
const { handler } = require('../lib/lambda.js');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: `/2018-06-01/runtime/${path}`, headers, agent }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(pieces).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function serve() {
  const { headers, body } = await ask('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  const context = { awsRequestId: id, invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    getRemainingTimeInMillis: () => Number(headers['lambda-runtime-deadline-ms']) - Date.now() };
  try {
    const answer = await handler(body ? JSON.parse(body) : null, context);
    await ask('POST', `invocation/${id}/response`, JSON.stringify(answer));
  } catch (error) {
    const said = JSON.stringify(error.reply ?? { errorType: error.name, errorMessage: error.message, trace: [] });
    await ask('POST', `invocation/${id}/error`, said, { 'Lambda-Runtime-Function-Error-Type': `Function.${error.name}` });
  }
}

(async () => {
  for (;;) await serve();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
