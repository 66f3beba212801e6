import { errorText } from '../domain/errors.ts';
import type { Journal } from '../domain/journal.ts';
import type { ActRoles } from './roles.ts';

/**
 * A full disk must not stand in the way of a rename: what cannot be noted is lost should this tick die too, and then the
 * next one judges anew.
 */
export async function noteInJournal(journal: Journal, { journal: store, log }: ActRoles): Promise<void> {
  await store.write(journal).catch((error: unknown) => {
    log.error(`cannot note in the journal how far this came: ${errorText(error)}`);
  });
}

/**
 * The transaction is over. Where the journal stays, or comes back after a power cut, the next tick finds everything as
 * it should be and ends it again: what was proven, or put back, is told as that (invariant 8).
 */
export async function endJournal({ journal, log }: ActRoles): Promise<void> {
  await journal.remove().catch((error: unknown) => {
    log.error(`everything is done, but the journal cannot be removed: ${errorText(error)}; the next tick tries again`);
  });
}
