import type { JournalChange } from '../domain/journal.ts';
import type { ActRoles } from './roles.ts';

/**
 * Keeps for good what lay there before the first update of a binary: nobody can fetch it anew. Where this program has
 * proven something of it before, what lies there is no find any more. Throws `UpdateError`.
 */
export async function adoptFinds(
  changes: readonly JournalChange[],
  { installer, records }: Pick<ActRoles, 'installer' | 'records'>,
): Promise<void> {
  const { byName } = await records.read(changes.map(({ name }) => name));
  for (const change of changes) {
    if (byName.get(change.name)?.active !== undefined) continue;
    for (const file of change.files) await installer.adopt(file, change);
  }
}
