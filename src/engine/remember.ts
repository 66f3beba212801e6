import { errorText } from '../domain/errors.ts';
import type { JournalChange } from '../domain/journal.ts';
import type { BinaryName } from '../domain/names.ts';
import type { OutcomeKind } from '../domain/outcome.ts';
import { sameRelease } from '../domain/release.ts';
import { stayed } from '../planning/former.ts';
import { type FailedTry, remember } from '../planning/quarantine.ts';
import type { ActRoles } from './roles.ts';

export interface Failure extends FailedTry {
  readonly name: BinaryName;
  readonly outcome: OutcomeKind;
  /** Why the rollback failed, if it did. */
  readonly rollbackDetail?: string;
  /** When its transaction began: a failure is counted once, also where the tick that counted it died right after. */
  readonly begun?: string;
  /** What an operator wanted to go back from with it, and runs again now. */
  readonly leaves?: JournalChange['leaves'];
  /** Processes that could not be started again. */
  readonly leftDown: readonly string[];
}

/**
 * Writes a failure into the binary's record, and returns when the release may be tried again. A record that cannot be
 * written is told in the log and stops nothing (invariant 8).
 */
export async function rememberFailure(
  failure: Failure,
  { records, clock, log }: Pick<ActRoles, 'records' | 'clock' | 'log'>,
): Promise<string | undefined> {
  const { name, outcome, reason, detail, rollbackDetail, release, fault, begun, leftDown } = failure;
  const now = clock.now();
  // One from the future was counted before the clock was set back, and not for this transaction.
  const isSince = (since: string) => begun !== undefined && since >= begun && since <= now.toISOString();
  let nextAttempt: string | undefined;
  try {
    await records.update(name, now, (record) => {
      const counted = record.quarantine.some((q) => sameRelease(q.release, release) && isSince(q.since));
      const after = stayed(counted ? record : remember(record, failure, now), failure.leaves);
      nextAttempt = fault === 'release' ? after.quarantine[0]?.until : after.backoff?.notBefore;
      if (after === record && begun === undefined) return record;
      const why = rollbackDetail === undefined ? {} : { rollbackDetail };
      const last = { outcome, reason, detail, ...why, at: now.toISOString() };
      return { ...after, ...(leftDown.length > 0 && { leftDown }), last };
    });
  } catch (error) {
    log.error(`${name}: cannot record the failure: ${errorText(error)}`);
    // What is not on disk holds nobody back.
    nextAttempt = undefined;
  }
  return fault === 'setup' ? undefined : nextAttempt;
}
