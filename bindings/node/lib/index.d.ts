// SPDX-License-Identifier: Apache-2.0
import type { Duration, Options } from './options.js';

export type { Duration, Options } from './options.js';

/** Runs one or more statements; the rows of the last that has any, every column as text. */
export type Execute = (
  sql: string | Uint8Array,
  params?: ReadonlyArray<string | number | bigint | boolean | Date | Uint8Array | null | undefined>,
) => Promise<Array<Array<string | null>>>;

/** What a code migration may use. It has no effect but through this, for it may be run again. */
export interface CodeContext {
  execute: Execute;
}

/** A migration in JavaScript: what `migrations/20240101_x.js` exports. */
export interface Code {
  up(context: CodeContext): unknown;
  down?(context: CodeContext): unknown;
  /** false: each statement commits by itself. */
  transaction?: boolean;
}

export interface FileEntry {
  path: string;
  /** Absent: the source's read() is asked. */
  text?: string | Uint8Array;
}

export interface CodeEntry extends Code {
  path: string;
  /** Identity for the history; without it a hash of the functions' text. */
  checksum?: string;
}

export type Entry = FileEntry | CodeEntry;

/** A source of migrations in JavaScript; asked anew by each call. */
export interface Source {
  list(): Iterable<Entry> | Promise<Iterable<Entry>>;
  read?(path: string): string | Uint8Array | Promise<string | Uint8Array>;
}

export interface LoginQuestion {
  /** Without any password. */
  url: string;
  /** `rejected`: the last answer was refused; bypass caches. */
  reason: 'first' | 'rejected';
  remaining_ms: number;
}

/** What is left out comes from the URL. */
export interface Login {
  user?: string;
  password?: string;
  /** A password for verified TLS only. */
  token?: string;
  role?: string;
  host?: string;
  port?: string | number;
  database?: string;
  again?: boolean;
}

/** Something that happened during a call, as the command line writes it in JSON. */
export interface MigrateEvent {
  readonly schema: 1;
  readonly event: string;
  readonly [key: string]: unknown;
}

export interface Config extends Options {
  /** `sqlite:FILE`, `postgres://…`, `mysql://…`, `mariadb://…`. */
  database?: string | URL | null;
  /** A directory, by default `migrations`; or the migrations themselves; null: only those of add(). */
  source?: string | URL | Source | ReadonlyArray<Entry> | null;
  /** If it throws, or the promise it returns rejects, the run stops and rejects with that; a run that has come to its
   *  end by then is told of by a warning of the process. */
  onEvent?: (event: MigrateEvent) => unknown;
  /** Asked at every connect, reconnects included. */
  credentials?: (question: LoginQuestion) => Login | Promise<Login>;
  /** File of a driver that is not this package's. */
  driver?: string;
  /** Values of `${NAME}` in the migrations. */
  placeholders?: Readonly<Record<string, string | number>>;
  /** An option of a driver. */
  [option: `${string}.${string}`]: string | number | boolean | null | undefined;
}

/** Who holds a lock, as far as known. */
export interface Holder {
  session?: string | null;
  application?: string | null;
  host?: string | null;
  user?: string | null;
  doing?: string | null;
  since?: string | number | Date | null;
}

/** A migration lock kept outside the database. Whatever lock is used, the fence in the database keeps two writers
 *  apart; a lock saves them work. Its methods are called one after the other. */
export interface Lock {
  /** How often renew() is called while it is held. Without it the lock does not expire. */
  readonly renewEvery?: Duration;
  /** How long a silent holder keeps it. */
  readonly ttl?: Duration;
  /** Tries once and does not wait. Nothing, true or a number (larger than any holder's before): it is ours. Who has
   *  it, or false: another has it. */
  acquire(key: string): Acquired | Promise<Acquired>;
  /** Gives it up. LockLost if it was not ours any more. */
  release(key: string): unknown;
  /** Extends it. LockLost: another has it; after any other failure it is called again until `ttl` is over. */
  renew?(key: string): unknown;
  /** Still ours? LockLost if not. */
  verify?(key: string): unknown;
  inspect?(key: string): Holder | null | Promise<Holder | null>;
  /** Takes it from this holder, and from nobody else. */
  breakLock?(key: string, holder: Holder | null): unknown;
}

export type Acquired = void | null | boolean | number | bigint | Holder;

export interface CallOptions {
  signal?: AbortSignal;
}

export interface RunOptions extends CallOptions {
  to?: string | number;
  steps?: number;
  deadline?: Duration;
}

export interface RevertOptions extends RunOptions {
  all?: boolean;
}

export interface PlanOptions extends RevertOptions {
  direction?: 'up' | 'down' | 'redo';
  /** With the statements, as they go to the server. */
  sql?: boolean;
  /** As on an empty database of this kind, "postgres", "mysql:8.0.36"; none is connected to. */
  dialect?: string;
}

export interface Migration {
  readonly version: string;
  readonly name: string;
  readonly kind: string;
  readonly state: 'pending' | 'applied' | 'failed' | 'doubt' | 'changed' | 'missing' | 'reverted' | 'baseline';
  readonly path: string | null;
  readonly checksum: string | null;
  readonly statements: number | null;
  readonly done: number;
  readonly transaction: boolean;
  readonly applied_at: string | null;
  readonly elapsed_ms: number | null;
  readonly [key: string]: unknown;
}

export interface Report {
  readonly schema: 1;
  readonly database: string;
  readonly server: string;
  readonly state: 'current' | 'pending' | 'failed' | 'doubt' | 'ahead' | 'drift';
  readonly version: string;
  readonly pending: number;
  readonly migrations: ReadonlyArray<Migration>;
  /** The result for people. */
  readonly text: string;
  readonly [key: string]: unknown;
}

export interface RunReport extends Report {
  readonly applied: number;
  readonly reverted: number;
  readonly elapsed_ms: number;
  readonly lock_wait_ms: number;
  readonly round_trips: number;
}

export interface LockReport {
  readonly state: 'free' | 'locked';
  readonly holder: (Readonly<Record<keyof Holder | 'kind', string | null>> & { readonly epoch: number }) | null;
  readonly text: string;
  readonly [key: string]: unknown;
}

export interface OtherReport {
  readonly schema: 1;
  readonly text: string;
  readonly [key: string]: unknown;
}

export interface Step {
  readonly version: string;
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly transaction: boolean;
  readonly statements: number | null;
  readonly destructive: ReadonlyArray<unknown>;
  readonly may_doubt: ReadonlyArray<unknown>;
  readonly sql?: ReadonlyArray<string>;
  readonly [key: string]: unknown;
}

export interface Plan {
  readonly schema: 1;
  readonly steps: ReadonlyArray<Step>;
  readonly [key: string]: unknown;
}

export interface Statement {
  /** As it goes to the server, without terminator. */
  readonly text: string;
  /** Line of its file on which it begins. */
  readonly line: number;
  readonly destructive: boolean;
  /** A crash in it may end in doubt. */
  readonly may_doubt: boolean;
  /** It cannot run in a transaction or a batch. */
  readonly alone: boolean;
  /** Why it is flagged. */
  readonly note: string | null;
}

/** One source, one database. Connects at the first call that needs it; calls take turns. */
export class Migrator {
  constructor(config?: Config);
  /** Applies what is pending. */
  up(options?: RunOptions): Promise<RunReport>;
  /** Reverts, one step unless told otherwise. */
  down(options?: RevertOptions): Promise<RunReport>;
  /** Reverts, then applies the same again. */
  redo(options?: RevertOptions): Promise<RunReport>;
  /** What would run, in order. */
  plan(options?: PlanOptions): Promise<Plan>;
  /** Carries out a plan of plan(), exactly; rejects with E_STALE if database or migrations are no longer as then. */
  apply(plan: Plan, options?: CallOptions): Promise<RunReport>;
  /** The statements of step `index` of a plan, from 0. */
  statements(plan: Plan, index: number, options?: CallOptions): Promise<ReadonlyArray<Statement>>;
  /** One script for psql, mysql or sqlite3 that does what a run would, or this plan. */
  script(plan: Plan, options?: CallOptions): Promise<string>;
  script(options?: PlanOptions): Promise<string>;
  /** Every migration and its state. */
  status(options?: CallOptions): Promise<Report>;
  /** Is what is applied as its files say? Rejects with a StateError if not. */
  verify(options?: CallOptions): Promise<Report>;
  /** Records all up to `version` as applied without running it. */
  baseline(version: string | number, options?: CallOptions): Promise<Report>;
  /** Settles a statement in doubt; `all`: the whole migration. */
  resolve(version: string | number, options: CallOptions & { applied: boolean; all?: boolean }): Promise<Report>;
  /** Who holds the migration lock; `break`: takes it from him. */
  lock(options?: CallOptions & { break?: boolean }): Promise<LockReport>;
  /** Creates our own tables; `sql`: only says how, in `text`. */
  init(options?: CallOptions & { sql?: boolean; dialect?: string }): Promise<OtherReport>;
  /** Creates the next migration's file in the source's own convention. */
  create(name: string, options?: CallOptions & { pair?: boolean }): Promise<OtherReport>;
  /** One hash of the whole source. */
  hash(options?: CallOptions): Promise<string>;
  /** Until the database accepts connections and is writable. */
  wait(options?: CallOptions & { timeout?: Duration }): Promise<OtherReport>;
  /** Connects now. */
  open(options?: CallOptions): Promise<void>;
  /** Joins a migration to those of the source: a file with its text, or code. */
  add(entry: (FileEntry & { text: string | Uint8Array }) | CodeEntry): void;
  /** Value in force of an option. Not while a call runs. */
  option(key: string): string | null;
  /** Asks what runs, and what waits its turn, to end between statements. What is called later is not meant. */
  stop(): void;
  /** Likewise, and cancels the running statement. */
  cancel(): void;
  /** Closes the connection, after the calls under way. */
  close(): Promise<void>;
}

/** A call failed. */
export class MigrateError extends Error {
  /** "E_SQL". */
  readonly status: string;
  /** Its number; the hundreds digit is the class and the exit code of the command line. */
  readonly status_code: number;
  /** The whole message for people: position, the server's words, statement, hint. */
  readonly text: string;
  readonly hint: string | null;
  /** What state the database is in now. */
  readonly state: string | null;
  readonly sqlstate: string | null;
  /** Number by the server or its client library. */
  readonly code: number | null;
  readonly version: string | null;
  readonly path: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly statement: number | null;
  /** How far the call got, if it learnt anything. */
  readonly report: Report | null;
  /** Of an aborted call: the signal's reason. */
  cause?: unknown;
}
/** Class 1: fix the call. */
export class CallerError extends MigrateError {}
/** Class 2: this process: memory, files. */
export class ProcessError extends MigrateError {}
/** Class 3: fix the migrations. */
export class SourceError extends MigrateError {}
/** Class 4: history and source disagree: a person decides. */
export class StateError extends MigrateError {}
/** Class 5: the migration lock: try again. */
export class LockError extends MigrateError {}
/** What a lock throws when another has it. */
export class LockLost extends LockError {
  constructor(message?: string);
}
/** Class 6: the database. */
export class DatabaseError extends MigrateError {}
/** Class 7: asked to stop, or out of time: the same call goes on from there. */
export class Stopped extends MigrateError {}
/** Class 9: a bug. */
export class Bug extends MigrateError {}

/** The library's table of options. */
export const options: ReadonlyArray<{
  readonly key: string;
  readonly type: 'choice' | 'duration' | 'integer' | 'list' | 'text';
  readonly values: string;
  readonly default: string | null;
  readonly doc: string;
}>;

/** Version of the library in use. */
export const version: string;
