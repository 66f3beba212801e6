import { RunError, systemCode } from '../domain/errors.ts';
import { ManagerError, type ManagerErrorCode } from './errors.ts';

/** In line with those of bin-proxy: what both have means the same. */
export const EXIT_CODES = [
  [0, 'done, or nothing to do'],
  [1, 'unexpected error (please report it)'],
  [2, 'command line not understood'],
  [20, 'refused: nothing was changed'],
  [74, 'the disk is full, or fails'],
  [75, 'another one goes on writing to the store'],
  [77, 'permission denied'],
  [78, 'the store is not as it should be'],
  [130, 'ended by SIGINT'],
  [143, 'ended by SIGTERM'],
] as const;

export type ExitCode = (typeof EXIT_CODES)[number][0];

const OF_ERROR: Readonly<Record<ManagerErrorCode, ExitCode>> = {
  usage: 2,
  refused: 20,
  conflict: 20,
  busy: 75,
  'no-permission': 77,
  damaged: 78,
};
const OF_SYSTEM: Readonly<Record<string, ExitCode>> = {
  EACCES: 77,
  EPERM: 77,
  EROFS: 77,
  ENOSPC: 74,
  EDQUOT: 74,
  EIO: 74,
};

export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof ManagerError) return OF_ERROR[error.code];
  if (error instanceof RunError) return error.code === 'lock-lost' ? 75 : error.code === 'interrupted' ? 130 : 143;
  return OF_SYSTEM[systemCode(error) ?? ''] ?? 1;
}

/** What to do about an error that the system gives. */
export function hintOf(error: unknown): string | undefined {
  if (error instanceof ManagerError || error instanceof RunError) return error.hint;
  switch (OF_SYSTEM[systemCode(error) ?? '']) {
    case 77:
      return 'Run as the user that the store belongs to.';
    case 74:
      return 'What is offered is whole: as it was before, or as it is to be. Make room, then run the command again.';
    default:
      return undefined;
  }
}
