import type { ErrorStory } from '../domain/errors.ts';

export type ManagerErrorCode =
  | 'usage'
  /** What was asked for must not be done; nothing was changed. */
  | 'refused'
  /** The same, because it is there already as something else. */
  | 'conflict'
  /** Something in the store is not as it was written. */
  | 'damaged'
  | 'no-permission'
  /** Another one writes to the store, and goes on for too long. */
  | 'busy';

/** Trouble with the release store: what was expected, what was found, where, and what to do. */
export class ManagerError extends Error {
  override readonly name = 'ManagerError';
  readonly code: ManagerErrorCode;
  readonly hint: string | undefined;

  constructor(code: ManagerErrorCode, message: string, story: ErrorStory = {}) {
    super(message, { cause: story.cause });
    this.code = code;
    this.hint = story.hint;
  }
}

/** An error for something that must not be done. */
export function refused(message: string, hint?: string): ManagerError {
  return new ManagerError('refused', message, hint === undefined ? {} : { hint });
}

/** An error for something that would take the place of another thing. */
export function conflicting(message: string, hint: string): ManagerError {
  return new ManagerError('conflict', message, { hint });
}
