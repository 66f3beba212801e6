import { errorText } from '../domain/errors.ts';
import type { Journal, JournalChange } from '../domain/journal.ts';
import type { Outcome, ServiceOutcome } from '../domain/outcome.ts';
import { forgive } from '../planning/quarantine.ts';
import type { ActRoles } from './roles.ts';

export interface Proven {
  readonly service: ServiceOutcome;
  readonly seconds: number;
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
export async function commit(journal: Journal, proven: Proven, roles: ActRoles): Promise<readonly Outcome[]> {
  const now = roles.clock.now();
  let recorded = true;
  for (const change of journal.changes) {
    try {
      await record(change, proven, { roles, now });
    } catch (error) {
      recorded = false;
      roles.log.error(`${change.name}: updated, but it cannot be recorded: ${errorText(error)}; the next tick tries again`);
    }
  }
  if (recorded) await roles.journal.remove();
  return journal.changes.map((change) => outcome(change, proven));
}

async function record(
  change: JournalChange,
  proven: Proven,
  { roles, now }: { readonly roles: ActRoles; readonly now: Date },
): Promise<void> {
  const { name, version, release, reason } = change;
  const at = now.toISOString();
  const detail = SENTENCES[proven.service];
  await roles.records.update(name, now, (before) => ({
    ...forgive(before, release),
    active: { release, version, since: at },
    last: { outcome: 'updated', reason, detail, at },
  }));
  await roles.recordProven(name, release);
  const seconds = Math.round(proven.seconds * 10) / 10;
  const line = { at, run: roles.run, name, outcome: 'updated', reason, detail, version, to: release, seconds };
  await roles.history.add(change.from === undefined ? line : { ...line, from: change.from });
}

function outcome(change: JournalChange, { service, seconds }: Proven): Outcome {
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
