/** What is to be done about one file. */
export type Action =
  /** There is none. */
  | 'write'
  /** It was written once, and somebody has deleted it. */
  | 'skip'
  /** It is as it should be. */
  | 'same'
  /** It is as an earlier version wrote it. */
  | 'update'
  /** Somebody has edited it, and nothing new is offered. */
  | 'keep'
  /** Somebody has edited it, and there is a new text: it is written beside it. */
  | 'offer';

/** Digests of what is there, of what was written last, and of what would be written now. */
export interface Texts {
  readonly found: string | undefined;
  readonly written: string | undefined;
  readonly wanted: string;
}

/**
 * As dpkg treats its conffiles: an edited file is never overwritten, a deleted one stays deleted, and only a text that is
 * new is worth a word. Pure.
 */
export function judgeFile({ found, written, wanted }: Texts, kind: 'shipped' | 'seed'): Action {
  if (found === undefined) return written === undefined ? 'write' : 'skip';
  if (found === wanted) return 'same';
  if (kind === 'seed') return 'keep';
  if (found === written) return 'update';
  return wanted === written ? 'keep' : 'offer';
}

/** Whether a file that was written here may be removed again. */
export function judgeRemoval(found: string | undefined, written: string): 'remove' | 'keep' | 'gone' {
  if (found === undefined) return 'gone';
  return found === written ? 'remove' : 'keep';
}
