// SPDX-License-Identifier: Apache-2.0
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

/* Whose callback the current code runs in, however far down. A call of the same Migrator would wait for itself. */

const storage = new AsyncLocalStorage();

const inside = {
  run(migrator, callback) {
    return storage.run([...(storage.getStore() ?? []), migrator], callback);
  },

  of(migrator) {
    return storage.getStore()?.includes(migrator) ?? false;
  },

  nested() {
    return storage.getStore() !== undefined;
  },
};

module.exports = { inside };
