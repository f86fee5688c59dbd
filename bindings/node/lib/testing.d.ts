// SPDX-License-Identifier: Apache-2.0
import type { Config, Options } from './index.js';

/** Of node:test, or anything else that calls back when the test is over. */
export interface TestContext {
  after(fn: () => unknown): void;
}

export interface TestConfig {
  /** By default the directory `migrations`. The same source is migrated once a process. */
  source?: Config['source'];
  /** Of the library, and placeholders. */
  options?: Options & Pick<Config, 'placeholders'>;
}

export interface PostgresTestConfig extends TestConfig {
  /** URL of a server whose user may create databases; by default $MIGRATE_TEST_POSTGRES. */
  server?: string | URL;
  /** Share the template between processes: it is named after the migrations' hash, and stays on the server. */
  reuse?: boolean;
}

/** A migrated SQLite database of this test alone, gone at its end. */
export function migratedSqlite(t: TestContext, config?: TestConfig): Promise<{ url: string; path: string }>;

/** A migrated PostgreSQL database of this test alone, gone at its end. */
export function migratedPostgres(t: TestContext, config?: PostgresTestConfig): Promise<{ url: string; name: string }>;
