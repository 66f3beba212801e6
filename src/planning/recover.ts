import type { Journal, JournalFile } from '../domain/journal.ts';

/** How many ticks may try to finish a transaction before it is undone, and how many may try anything at all. */
export const MAX_FINISHING = 3;
const MAX_ATTEMPTS = 6;

/** What was found on disk for one file of the journal, by hashing it. */
export interface FoundFile {
  /** `algorithm:hex`, or undefined where there is no file. */
  readonly target: string | undefined;
  /** Whether the backup hashes to the former digest. */
  readonly backup: 'valid' | 'missing';
}

/**
 * - `abandon`: nothing went live, only staging is left;
 * - `finish`: everything is live, it has to be proven or undone;
 * - `undo`: go back to the former files;
 * - `give-up`: the disk holds something that this transaction did not put there and nothing to restore it from, or
 *   every try to end it has failed.
 */
export type Recovery = 'abandon' | 'finish' | 'undo' | 'give-up';

/**
 * Decides from what is really on disk, never from how far the dead tick believed to be. The one thing taken from its
 * word is that it had judged the release bad: that release is not started again (invariant 5).
 */
export function recovery(journal: Journal, found: ReadonlyMap<JournalFile, FoundFile>): Recovery {
  const files = journal.changes.flatMap((change) => change.files);
  const states = files.map((file) => stateOf(file, found.get(file)));
  if (states.includes('lost') || journal.attempts > MAX_ATTEMPTS) return 'give-up';
  if (states.every((state) => state === 'former')) return journal.failed === undefined ? 'abandon' : 'undo';
  const wholly = states.every((state) => state === 'next');
  return wholly && journal.failed === undefined && journal.attempts <= MAX_FINISHING ? 'finish' : 'undo';
}

function stateOf(file: JournalFile, found: FoundFile | undefined): 'next' | 'former' | 'restorable' | 'lost' {
  if (found?.target === file.former?.digest) return 'former';
  if (found?.target === file.next) return 'next';
  return file.former !== undefined && found?.backup === 'valid' ? 'restorable' : 'lost';
}
