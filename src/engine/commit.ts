import { errorText } from '../domain/errors.ts';
import { type Journal, type JournalChange, namesOfRelease } from '../domain/journal.ts';
import type { Outcome, ServiceOutcome } from '../domain/outcome.ts';
import { remembered } from '../planning/former.ts';
import type { ProcessSample } from '../planning/health.ts';
import { forgive } from '../planning/quarantine.ts';
import { MAX_FINISHING } from '../planning/recover.ts';
import { endJournal } from './journaling.ts';
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
  'not-restarted': 'not restarted: supervisor does not run it',
  none: 'no service to restart',
};

/**
 * Records what was proven, and only that (invariant 3): record, manifest, history, then the journal goes. Where
 * something cannot be written the journal stays, and the next ticks try again, a few times: a release that runs is never
 * undone because of a file beside it (invariant 8).
 */
export async function commit(journal: Journal, success: Success, roles: ActRoles): Promise<readonly Outcome[]> {
  const trouble: string[] = [];
  for (const change of journal.changes) {
    for (const write of records(change, success, roles)) {
      await write().catch((error: unknown) => trouble.push(`${change.name}: ${errorText(error)}`));
    }
  }
  await beginProbation(journal, success.processes, roles).catch((error: unknown) => {
    roles.log.error(`cannot put the release on probation: ${errorText(error)}`);
  });
  const last = journal.attempts >= MAX_FINISHING;
  const next = last ? 'it stays unrecorded' : 'the next tick tries again';
  for (const one of trouble) roles.log.error(`updated, but it cannot be recorded: ${one}; ${next}`);
  if (trouble.length === 0 || last) await endJournal(roles);
  return journal.changes.map((change) => outcome(change, success));
}

/** Three writes, each on its own: trouble with one must not keep the others from being made. */
function records(change: JournalChange, success: Success, roles: ActRoles): readonly (() => Promise<void>)[] {
  const { name, version, release, reason } = change;
  const names = namesOfRelease(change);
  const now = roles.clock.now();
  const at = now.toISOString();
  const detail = sentence(change, success);
  const seconds = Math.round(success.seconds * 10) / 10;
  const line = { at, run: roles.run, name, outcome: 'updated', reason, detail, version, to: release, seconds };
  return [
    () =>
      roles.records.update(name, now, (before) => ({
        ...remembered(forgive(before, names), change, at),
        active: { release: names, version, since: at },
        last: { outcome: 'updated', reason, detail, at },
      })),
    () => roles.recordProven(name, release),
    () => roles.history.add(change.from === undefined ? line : { ...line, from: change.from }),
  ];
}

function sentence({ health, unwellBefore }: JournalChange, { service }: Pick<Success, 'service'>): string {
  const text = SENTENCES[service];
  if (unwellBefore !== undefined) return `${text}; its health was not asked, it was bad before: ${unwellBefore}`;
  return health !== undefined && service === 'restarted' ? `${text}, in good health` : text;
}

function outcome(change: JournalChange, { service, seconds }: Success): Outcome {
  const { name, version, release, reason, from } = change;
  return {
    name,
    outcome: 'updated',
    reason,
    detail: sentence(change, { service }),
    to: release,
    version,
    service,
    seconds,
    ...(from !== undefined && { from }),
  };
}
