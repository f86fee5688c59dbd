// SPDX-License-Identifier: Apache-2.0
'use strict';

const { native } = require('./native.js');
const { Migrator } = require('./migrator.js');
const { MigrateError, CallerError, ProcessError, SourceError, StateError, LockError, LockLost, DatabaseError,
  Stopped, Bug } = require('./errors.js');

/* The library's table of options, and its version. */
const options = Object.freeze(native.options.map(Object.freeze));
const version = native.version;

module.exports = { Migrator, options, version, MigrateError, CallerError, ProcessError, SourceError, StateError,
  LockError, LockLost, DatabaseError, Stopped, Bug };
