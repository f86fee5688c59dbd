// SPDX-License-Identifier: Apache-2.0
'use strict';

/* A call occupies a thread of libuv's pool, and code migrations may need that pool for files and names: one
 * thread is left to them, or calls that wait for each other's lock could keep it from them. A call made from
 * within another's callback takes that thread: the outer one waits for it. */

const size = Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '4', 10) || 4;
let free = Math.max(1, size - 1);
const waiting = [];

function leave() {
  const next = waiting.shift();
  if (next) next();
  else free++;
}

/* What to call when it has ended. */
async function enter(nested) {
  if (nested) return () => {};
  if (free > 0) free--;
  else await new Promise((resolve) => waiting.push(resolve));
  return leave;
}

module.exports = { enter };
