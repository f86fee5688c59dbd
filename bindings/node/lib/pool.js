// SPDX-License-Identifier: Apache-2.0
'use strict';

/* A call occupies a thread of libuv's pool, and code migrations may need that pool for files and names: one
 * thread is left to them, or calls that wait for each other's lock could keep it from them. */

const size = Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '4', 10) || 4;
let free = Math.max(1, size - 1);
const waiting = [];

async function enter() {
  if (free > 0) free--;
  else await new Promise((resolve) => waiting.push(resolve));
}

function leave() {
  const next = waiting.shift();
  if (next) next();
  else free++;
}

module.exports = { enter, leave };
