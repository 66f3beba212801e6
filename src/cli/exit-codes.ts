import { type RunErrorCode, systemCode } from '../domain/errors.ts';
import type { Outcome } from '../domain/outcome.ts';

export const EXIT_CODES = [
  [0, 'done, or nothing to do'],
  [1, 'unexpected error (please report it); doctor, install: something fails'],
  [2, 'command line not understood'],
  [20, 'some binary failed, and runs its former version; or the command refused'],
  [21, 'a rollback failed: this host needs a person'],
  [69, 'no release server could be reached'],
  [71, 'the host is out of processes, memory or open files'],
  [74, 'the disk is full, or fails'],
  [75, 'another run holds the lock'],
  [77, 'permission denied'],
  [78, 'settings or manifest invalid'],
  [100, 'verify: something is not what was recorded'],
  [101, 'apply: the plan no longer fits, and is not carried out'],
  [130, 'ended by SIGINT'],
  [143, 'ended by SIGTERM'],
] as const;

export type ExitCode = (typeof EXIT_CODES)[number][0];

const OF_ERROR: Readonly<Record<RunErrorCode, ExitCode>> = {
  usage: 2,
  refused: 20,
  'not-started': 1,
  outdated: 101,
  'settings-invalid': 78,
  'manifest-invalid': 78,
  'no-permission': 77,
  'disk-trouble': 74,
  'lock-held': 75,
  'lock-lost': 75,
  interrupted: 130,
  terminated: 143,
};

export function exitCodeOfError(code: RunErrorCode): ExitCode {
  return OF_ERROR[code];
}

/** What nobody has given a name: the host's own limits are no mistake of this program. */
export function exitCodeOfUnexpected(error: unknown): ExitCode {
  return ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'].includes(systemCode(error) ?? '') ? 71 : 1;
}

/** The worst outcome decides. A host whose server is away is told from one on which a binary failed. */
export function exitCodeOf(outcomes: readonly Outcome[]): ExitCode {
  if (outcomes.some(({ outcome }) => outcome === 'rollback-failed')) return 21;
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed' || outcome === 'rolled-back');
  if (failed.length === 0) return 0;
  const asked = outcomes.filter(({ outcome }) => outcome !== 'held');
  return asked.every(({ reason }) => reason === 'source-unreachable') ? 69 : 20;
}
