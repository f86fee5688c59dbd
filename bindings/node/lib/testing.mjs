// SPDX-License-Identifier: Apache-2.0
import testing from './testing.js';

export const { migratedSqlite, migratedPostgres } = testing;
