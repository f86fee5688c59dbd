// SPDX-License-Identifier: Apache-2.0
import libmigrate from './index.js';

export const { Migrator, options, version, MigrateError, CallerError, ProcessError, SourceError, StateError,
  LockError, LockLost, DatabaseError, Stopped, Bug } = libmigrate;
export default libmigrate;
