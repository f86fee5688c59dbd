// SPDX-License-Identifier: Apache-2.0
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

/* Whose callback the current code runs in, however far down. A call of the same Migrator would wait for itself. What a
 * callback leaves behind, a timer or a pool, is free again when it has ended. */

const storage = new AsyncLocalStorage(); // {migrator, active, outer}

function* frames() {
  for (let frame = storage.getStore(); frame; frame = frame.outer) if (frame.active) yield frame;
}

const inside = {
  async run(migrator, callback) {
    const frame = { migrator, active: true, outer: storage.getStore() };
    try {
      return await storage.run(frame, callback);
    } finally {
      frame.active = false;
    }
  },

  of(migrator) {
    for (const frame of frames()) if (frame.migrator === migrator) return true;
    return false;
  },

  nested() {
    return !frames().next().done;
  },
};

module.exports = { inside };
