// SPDX-License-Identifier: Apache-2.0
// Compiled by tsc --strict, never run.
import { Migrator, MigrateError, Stopped, options, version, type Code, type RunReport, type Source } from 'libmigrate';

export const code: Code = {
  async up({ execute }) {
    const rows: (string | null)[][] = await execute('SELECT ?', [1]);
    await execute('INSERT INTO t VALUES (?)', [rows[0]?.[0] ?? null]);
  },
};
const source: Source = { list: () => [{ path: '1_a.sql' }, { path: '2_b.js', ...code }], read: async () => 'SELECT 1;' };

export async function main(): Promise<number> {
  const m = new Migrator({ database: 'sqlite:app.db', source, lock_wait: '2s', labels: ['a'],
    credentials: async ({ url, reason }) => ({ password: `${url}${reason}` }),
    onEvent: (event) => { event.event.toUpperCase(); } });
  try {
    const report: RunReport = await m.up({ to: 3, deadline: '5m', signal: AbortSignal.timeout(1000) });
    await m.resolve('1', { applied: true });
    // @ts-expect-error applied is needed
    await m.resolve('1', {});
    // @ts-expect-error a report cannot be changed
    report.applied = 1;
    return report.applied + (await m.plan({ direction: 'down' })).steps.length + options.length + version.length;
  } catch (error) {
    if (error instanceof Stopped) return 7;
    if (error instanceof MigrateError) return error.line ?? error.status_code;
    throw error;
  } finally {
    await m.close();
  }
}
