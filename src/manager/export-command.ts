import type { Invocation } from './command-line.ts';
import { ManagerError } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { exportStore } from './export.ts';
import { withSession } from './session.ts';
import { ReleaseStore } from './store.ts';
import { answer, conditionsOf } from './wording.ts';

/** `bin-manager export DIR`. */
export async function exportCommand(invocation: Invocation, signal: AbortSignal): Promise<ExitCode> {
  const { path: directory, switches } = invocation;
  if (directory === undefined) throw new ManagerError('usage', 'expected the directory to export to');
  const store = new ReleaseStore(invocation.store);
  const gone = switches.has('delete') ? 'delete' : 'leave';
  await withSession(store, conditionsOf(invocation, signal), async (session) => {
    session.mustBeWhole();
    const done = await exportStore(store.places, session.catalogs.values(), { directory, gone });
    const lines = [`${done.placed} files written, ${done.kept} were right already`];
    if (done.gone.length > 0) {
      lines.push(
        gone === 'delete'
          ? `${done.gone.length} files removed that are not offered any more`
          : `${done.gone.length} files are not offered any more: --delete removes them`,
      );
    }
    answer(invocation, lines, { ...done, deleted: gone === 'delete' });
  });
  return 0;
}
