import { errorText, RunError, UpdateError } from '../domain/errors.ts';
import type { Outcome } from '../domain/outcome.ts';
import { releaseId } from '../domain/release.ts';
import { installedText } from '../planning/decide.ts';
import { remember } from '../planning/quarantine.ts';
import type { PlannedChange } from '../planning/transactions.ts';
import type { ActRoles } from './roles.ts';

/** Any trouble with one binary as an {@link UpdateError}. What ends the whole run passes through. */
export function asUpdateError(error: unknown): UpdateError {
  if (error instanceof RunError) throw error;
  if (error instanceof UpdateError) return error;
  return new UpdateError('staging-failed', 'host', errorText(error), { cause: error });
}

/** A change that failed before anything live was touched: the former version goes on running. */
export async function failure(
  change: PlannedChange,
  error: unknown,
  roles: Pick<ActRoles, 'records' | 'clock' | 'log'>,
): Promise<Outcome> {
  const { entry, decision, installed } = change;
  const { reason, fault, message, hint } = asUpdateError(error);
  const { release } = decision;
  const now = roles.clock.now();
  const tried = { release: releaseId(release), version: release.version, reason, detail: message, fault, companions: {} };
  let nextAttempt: string | undefined;
  try {
    await roles.records.update(entry.name, now, (record) => {
      const after = remember(record, tried, now);
      if (after === record) return record;
      nextAttempt = fault === 'release' ? after.quarantine[0]?.until : after.backoff?.notBefore;
      return { ...after, last: { outcome: 'failed', reason, detail: message, at: now.toISOString() } };
    });
  } catch (trouble) {
    roles.log.warn(`${entry.name}: cannot record the failure: ${errorText(trouble)}`);
  }
  const from = installedText(installed);
  return {
    name: entry.name,
    outcome: 'failed',
    reason,
    detail: message,
    to: releaseId(release),
    version: release.version,
    ...(from !== undefined && { from }),
    ...(hint !== undefined && { hint }),
    ...(nextAttempt !== undefined && { nextAttempt }),
  };
}
