import type { JournalChange, JournalService } from '../domain/journal.ts';
import type { PlannedChange } from '../planning/transactions.ts';
import { HealthWatch } from './health-watch.ts';
import type { ActRoles } from './roles.ts';

export interface Staged {
  readonly change: PlannedChange;
  /** In the order of the decision's files. */
  readonly paths: readonly string[];
}

/** With what the version that runs now has said of its health. */
export interface Checked extends Staged {
  readonly before: Pick<JournalChange, 'health' | 'unwellBefore'>;
}

/**
 * Asks the version that runs now what the new one will be asked: where it is unwell too, nobody can blame the new one
 * for the same (invariant 5), and its health decides nothing. Where nothing was installed there is nothing to compare with.
 * It may take minutes, so what the services are like has to be read again after it.
 */
export async function askBefore(
  staged: readonly Staged[],
  services: readonly JournalService[],
  roles: ActRoles,
): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  for (const one of staged) checked.push({ ...one, before: await control(one.change, services, roles) });
  return checked;
}

/** A program that somebody stops or restarts while it is asked is unwell for that reason: such an answer is none. */
export function withTrustedAnswer(
  one: Checked,
  asked: readonly JournalService[],
  now: readonly JournalService[],
): Checked {
  const { services, health } = one.change.entry;
  if (one.before.unwellBefore === undefined || health === undefined) return one;
  const isSame = processesOf(services, asked) === processesOf(services, now);
  return isSame ? one : { ...one, before: { health } };
}

function processesOf(names: readonly string[], services: readonly JournalService[]): string {
  const processes = services.filter(({ service }) => names.includes(service)).flatMap((one) => one.processes);
  const ids = processes.map(({ process, pid, startTime }) => `${process} ${pid} ${startTime}`);
  return ids.sort().join('\n');
}

async function control(
  { entry, decision, installed }: PlannedChange,
  services: readonly JournalService[],
  roles: ActRoles,
): Promise<Checked['before']> {
  const { name, health: check } = entry;
  const willRun = services.some(({ service, processes }) => entry.services.includes(service) && processes.length > 0);
  if (check === undefined || !willRun) return {};
  if (decision.reason === 'not-installed' || installed.every(({ kind }) => kind === 'absent')) return { health: check };
  const unwell = await new HealthWatch([{ name, check }], roles).judge(() => roles.gate.mayBegin());
  if (unwell === undefined) return { health: check };
  roles.log.warn(`${name}: was not healthy before the update, so its health decides nothing: ${unwell.detail}`);
  return { unwellBefore: unwell.detail };
}
