// SPDX-License-Identifier: Apache-2.0
// Runs the CDK's own Provider framework with functions that are reached over HTTP instead of Lambda.
//   node framework.js RUNTIME_DIRECTORY onEvent|isComplete   the event on stdin
// Environment: ON_EVENT, IS_COMPLETE: URLs that take an event and answer {"kind","body"}. Prints one JSON object:
// {"puts":[…],"started":[…],"error":"…"}.
'use strict';
const Module = require('module');
const path = require('path');

const load = Module._load;
Module._load = (name, ...rest) => (name.startsWith('@aws-sdk/') ? {} : load(name, ...rest));
console.log = () => undefined; // it logs what it does

const [runtime, entry] = process.argv.slice(2);
process.env.USER_ON_EVENT_FUNCTION_ARN = 'ON_EVENT';
if (process.env.IS_COMPLETE) {
  process.env.USER_IS_COMPLETE_FUNCTION_ARN = 'IS_COMPLETE';
  process.env.WAITER_STATE_MACHINE_ARN = 'waiter';
}
const outbound = require(path.join(runtime, 'outbound.js'));
const out = { puts: [], started: [], error: null };

outbound.startExecution = async (request) => { out.started.push(JSON.parse(request.input)); };
outbound.httpRequest = async (options, body) => { out.puts.push({ options, body: JSON.parse(body), bytes: Buffer.byteLength(body) }); };
outbound.invokeFunction = async (request) => {
  const answer = await (await fetch(process.env[request.FunctionName], { method: 'POST', body: request.Payload })).json();
  return { Payload: answer.body, FunctionError: answer.kind === 'error' ? 'Unhandled' : undefined };
};

async function main() {
  let text = '';
  for await (const piece of process.stdin) text += piece;
  const framework = require(path.join(runtime, 'framework.js'));
  try {
    await framework[entry](JSON.parse(text));
  } catch (e) {
    out.error = { name: e.name, message: e.message };
  }
  process.stdout.write(JSON.stringify(out));
}
main();
