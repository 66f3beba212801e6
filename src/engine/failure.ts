import { errorText, RunError, UpdateError } from '../domain/errors.ts';
import type { Outcome } from '../domain/outcome.ts';
import { releaseId, releaseNames } from '../domain/release.ts';
import { installedText } from '../planning/decide.ts';
import type { PlannedChange } from '../planning/transactions.ts';
import { rememberFailure } from './remember.ts';
import type { ActRoles } from './roles.ts';

/** A change that failed before anything live was touched: the former version goes on running. */
export async function failure(
  { entry, decision, installed }: PlannedChange,
  error: unknown,
  roles: Pick<ActRoles, 'records' | 'clock' | 'log'>,
): Promise<Outcome> {
  const { reason, fault, message: detail, hint } = asUpdateError(error);
  const { name } = entry;
  const { version } = decision.release;
  const told = {
    name,
    outcome: 'failed',
    release: releaseNames(decision.release),
    version,
    reason,
    detail,
    fault,
    companions: {},
    leftDown: [],
  } as const;
  const nextAttempt = await rememberFailure(told, roles);
  const from = installedText(installed);
  return {
    name,
    outcome: 'failed',
    reason,
    detail,
    to: releaseId(decision.release),
    version,
    ...(from !== undefined && { from }),
    ...(hint !== undefined && { hint }),
    ...(nextAttempt !== undefined && { nextAttempt }),
  };
}

/** Any trouble with one binary as an {@link UpdateError}. What ends the whole run passes through. */
function asUpdateError(error: unknown): UpdateError {
  if (error instanceof RunError) throw error;
  if (error instanceof UpdateError) return error;
  return new UpdateError({ reason: 'staging-failed', fault: 'host' }, errorText(error), { cause: error });
}
