import { errorText } from '../domain/errors.ts';
import type { Journal, JournalChange } from '../domain/journal.ts';
import type { Outcome, ServiceOutcome } from '../domain/outcome.ts';
import type { ProcessSample } from '../planning/health.ts';
import { forgive } from '../planning/quarantine.ts';
import { beginProbation } from './probation.ts';
import type { ActRoles } from './roles.ts';

/** What there is to record. */
export interface Success {
  readonly service: ServiceOutcome;
  readonly seconds: number;
  /** The processes that were proven: they go on probation. */
  readonly processes: readonly ProcessSample[];
}

const SENTENCES: Readonly<Record<ServiceOutcome, string>> = {
  restarted: 'proven to run',
  'left-stopped': 'its service was stopped on purpose and stays so',
  'not-restarted': 'not restarted: there is no supervisorctl on this host',
  none: 'no service to restart',
};

/**
 * Records what was proven, and only that (invariant 3): record, manifest, history, then the journal goes. Where
 * something cannot be recorded the journal stays and the next tick records it; the program runs either way
 * (invariant 8).
 */
export async function commit(journal: Journal, success: Success, roles: ActRoles): Promise<readonly Outcome[]> {
  const now = roles.clock.now();
  let recorded = true;
  for (const change of journal.changes) {
    try {
      await record(change, success, { roles, now });
    } catch (error) {
      recorded = false;
      roles.log.error(
        `${change.name}: updated, but it cannot be recorded: ${errorText(error)}; the next tick tries again`,
      );
    }
  }
  try {
    await beginProbation(journal, success.processes, roles);
  } catch (error) {
    roles.log.error(`cannot put the release on probation: ${errorText(error)}`);
  }
  if (recorded) await roles.journal.remove();
  return journal.changes.map((change) => outcome(change, success));
}

async function record(
  change: JournalChange,
  success: Success,
  { roles, now }: { readonly roles: ActRoles; readonly now: Date },
): Promise<void> {
  const { name, version, release, reason } = change;
  const at = now.toISOString();
  const detail = SENTENCES[success.service];
  await roles.records.update(name, now, (before) => ({
    ...forgive(before, release),
    active: { release, version, since: at },
    last: { outcome: 'updated', reason, detail, at },
  }));
  await roles.recordProven(name, release);
  const seconds = Math.round(success.seconds * 10) / 10;
  const line = { at, run: roles.run, name, outcome: 'updated', reason, detail, version, to: release, seconds };
  await roles.history.add(change.from === undefined ? line : { ...line, from: change.from });
}

function outcome(change: JournalChange, { service, seconds }: Success): Outcome {
  const { name, version, release, reason, from } = change;
  return {
    name,
    outcome: 'updated',
    reason,
    detail: SENTENCES[service],
    to: release,
    version,
    service,
    seconds,
    ...(from !== undefined && { from }),
  };
}
