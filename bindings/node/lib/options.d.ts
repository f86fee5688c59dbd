// SPDX-License-Identifier: Apache-2.0
// Made from the library's table of options by test/options.js.
import type { Lock } from './index.js';

/** Milliseconds, or "500ms", "2s", "5m". */
export type Duration = number | string;

/** Every option of the library. */
export interface Options {
  /** The convention of the migration files. auto tells it from names and first bytes. Default: auto. */
  layout?: 'auto' | 'plain' | 'pairs' | 'sections' | 'flyway' | 'versioned' | 'folders' | 'prisma' | 'liquibase' | null;
  /** How versions sort: digits as numbers (2 before 10), or byte by byte (10 before 2). Default: natural. */
  order?: 'natural' | 'bytes' | null;
  /** Only migrations of these contexts, and those that name none, are considered. Default: all. */
  contexts?: string | ReadonlyArray<string> | null;
  /** Only migrations with these labels, and those that have none, are considered. Default: all. */
  labels?: string | ReadonlyArray<string> | null;
  /** Only migrations with these tags, and those that have none, are considered. Default: all. */
  tags?: string | ReadonlyArray<string> | null;
  /** Whether a pending migration that is older than the newest applied one may be applied. Default: deny. */
  out_of_order?: 'deny' | 'allow' | null;
  /** Whether an applied migration may have been edited since. allow warns and goes on. Default: deny. */
  changed?: 'deny' | 'allow' | null;
  /** Whether the file of an applied migration may be gone. Default: deny. */
  missing?: 'deny' | 'allow' | null;
  /** Whether the database may be newer than every file, as after the rollback of an application. allow does nothing, warns and succeeds. Default: allow. */
  ahead?: 'allow' | 'deny' | null;
  /** One transaction for each migration, one for all pending ones, or none. Default: each. */
  transaction?: 'each' | 'all' | 'none' | null;
  /** Whether statements are sent ahead of the answers to earlier ones, which saves waiting. Default: auto. */
  batch?: 'auto' | 'off' | null;
  /** MySQL and MariaDB: require-online refuses an ALTER that would copy the table or block writers. Default: auto. */
  algorithm?: 'auto' | 'require-online' | null;
  /** How often a transaction is tried again after a lock time-out, deadlock or serialisation failure. Default: 30. */
  retries?: number | string | null;
  /** How long a statement waits for locks of the database before its transaction is tried again, so that nobody queues behind it for long. 0: the server's own limit. Default: 2s. */
  lock_timeout?: Duration | null;
  /** How long a statement may run. 0: no limit. Default: 0. */
  statement_timeout?: Duration | null;
  /** How long a whole run may take, waiting included; the next run goes on with what is left. 0: no limit. Default: 0. */
  deadline?: Duration | null;
  /** Schema of the history tables. Without it, the one that the connection creates tables in. */
  schema?: string | null;
  /** What the names of the history tables begin with: letters, digits, '_', '-' and '$', at most 40 bytes. Default: migrate_. */
  table_prefix?: string | null;
  /** The migration lock: of the session, a lease in a row of a table (where there are no sessions), or none. With any of them each migration is applied once. Default: auto. */
  lock?: 'auto' | 'session' | 'lease' | 'none' | Lock | null;
  /** How long to wait for the migration lock. 0: not at all. Default: 5m. */
  lock_wait?: Duration | null;
  /** Who we are, in history and lock. Without it, the program's name. */
  client?: string | null;
  /** How long one attempt to connect may take. Default: 10s. */
  connect_timeout?: Duration | null;
  /** How long to go on trying while the server is starting, resuming or has too many connections, and after a connection was lost. Default: 60s. */
  reconnect_timeout?: Duration | null;
  /** How long `migrate wait` waits for the database. Default: 60s. */
  wait_timeout?: Duration | null;
  /** SQL that is run after every connect. */
  init_sql?: string | null;
  /** AWS: ARN or name of the secret in Secrets Manager that holds the credentials of the database. */
  secret?: string | null;
  /** AWS: name of the parameter in SSM that holds them. */
  ssm_parameter?: string | null;
  /** AWS: 1 logs in with an IAM token, made anew for every connect. Default: 0. */
  iam?: boolean | '0' | '1' | null;
  /** Role to assume after log-in. */
  role?: string | null;
  /** File of certificates to trust, for every TLS connection. */
  ca_file?: string | null;
  /** Which log lines are wanted: these and graver ones. Default: warn. */
  log_level?: 'warn' | 'error' | 'info' | 'debug' | null;
  /** SQLite: rwc, as without it, makes a file that is missing when something is to be written; rw makes none; ro only reads. */
  'sqlite.mode'?: 'rwc' | 'rw' | 'ro' | null;
  /** SQLite: as PRAGMA journal_mode; without it, as the file has it. off and memory are refused: a process that is killed would leave a damaged file. */
  'sqlite.journal_mode'?: 'delete' | 'truncate' | 'persist' | 'wal' | null;
  /** SQLite: as PRAGMA synchronous. */
  'sqlite.synchronous'?: 'off' | 'normal' | 'full' | 'extra' | '0' | '1' | '2' | '3' | null;
  /** SQLite: as PRAGMA cache_size: a number of pages, or of KiB when negative. Without it, 1000 KiB. */
  'sqlite.cache_size'?: string | null;
  /** SQLite: as PRAGMA foreign_keys. */
  'sqlite.foreign_keys'?: 'on' | 'off' | 'true' | 'false' | 'yes' | 'no' | '1' | '0' | null;
  /** SQLite: as PRAGMA temp_store. */
  'sqlite.temp_store'?: 'default' | 'file' | 'memory' | '0' | '1' | '2' | null;
  /** SQLite: name of a registered VFS. */
  'sqlite.vfs'?: string | null;
  /** PostgreSQL: as the option role. */
  'postgres.role'?: string | null;
  /** PostgreSQL: search_path of the session. */
  'postgres.search_path'?: string | null;
  /** MySQL and MariaDB: whether TLS is used, and what of the server's certificate is verified. Without it, VERIFY_IDENTITY where ca_file, ssl-ca or ssl-capath is set, else PREFERRED. */
  'mysql.ssl-mode'?: 'DISABLED' | 'PREFERRED' | 'REQUIRED' | 'VERIFY_CA' | 'VERIFY_IDENTITY' | null;
  /** MySQL and MariaDB: file of certificates to trust; without it, ca_file. */
  'mysql.ssl-ca'?: string | null;
  /** MySQL and MariaDB: folder of certificates to trust. */
  'mysql.ssl-capath'?: string | null;
  /** MySQL and MariaDB: file with our own certificate. */
  'mysql.ssl-cert'?: string | null;
  /** MySQL and MariaDB: file with the key of our own certificate. */
  'mysql.ssl-key'?: string | null;
  /** MySQL and MariaDB: ciphers for TLS. */
  'mysql.ssl-cipher'?: string | null;
  /** MySQL and MariaDB: versions of TLS that are allowed. */
  'mysql.tls-version'?: string | null;
  /** MySQL and MariaDB: as connect_timeout, but that a bare number is seconds, as in MySQL's own tools. */
  'mysql.connect-timeout'?: string | null;
  /** MySQL and MariaDB: path of the server's socket. */
  'mysql.socket'?: string | null;
  /** MySQL and MariaDB: character set of the connection. One in which a byte of a letter can look like a quote is refused. */
  'mysql.charset'?: string | null;
  /** MySQL: 1 takes the server's key for the password when the connection is not encrypted, 0 does not. Without it, as ssl-mode allows. */
  'mysql.get-server-public-key'?: string | null;
  /** MySQL: file of that key, which is then trusted alone. */
  'mysql.server-public-key-path'?: string | null;
  /** MySQL and MariaDB: folder of the client library's plugins. */
  'mysql.plugin-dir'?: string | null;
  /** MySQL and MariaDB: 1 compresses what is sent. */
  'mysql.compress'?: string | null;
  /** Data API: which engine the cluster runs. Without it, the server is asked. */
  'rds_data.engine'?: 'postgres' | 'postgresql' | 'aurora-postgresql' | 'mysql' | 'aurora-mysql' | 'mariadb' | null;
  /** Data API: region of the cluster. Without it, the one in its ARN. */
  'rds_data.region'?: string | null;
}
