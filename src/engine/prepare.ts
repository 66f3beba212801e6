import type { Journal, JournalChange, JournalService } from '../domain/journal.ts';
import { releaseId, releaseNames } from '../domain/release.ts';
import { installedText } from '../planning/decide.ts';
import type { PlannedChange } from '../planning/transactions.ts';
import { bootId } from '../platform/processes.ts';
import { adoptFinds } from './adopt.ts';
import { HealthWatch } from './health-watch.ts';
import type { ActRoles } from './roles.ts';

export interface Staged {
  readonly change: PlannedChange;
  /** In the order of the decision's files. */
  readonly paths: readonly string[];
}

/** Backs up and writes the journal: the last moment at which nothing live has been touched (invariant 2). */
export async function prepare(
  staged: readonly Staged[],
  services: readonly JournalService[],
  roles: ActRoles,
): Promise<Journal> {
  const { clock, gate, run, journal: store } = roles;
  gate.mayBegin();
  const changes: JournalChange[] = [];
  for (const one of staged) {
    const change = await journalChange(one, roles);
    changes.push({ ...change, ...(await control(one.change, services, roles)) });
  }
  await adoptFinds(changes, roles);
  const startedAt = clock.now().toISOString();
  const journal: Journal = {
    schema: 'bin-proxy/journal/1',
    run,
    startedAt,
    attempts: 0,
    changes,
    services,
    bootId: await bootId(),
  };
  gate.mayBegin();
  await store.write(journal);
  return journal;
}

async function journalChange({ change, paths }: Staged, { installer }: ActRoles): Promise<JournalChange> {
  const { entry, decision, installed } = change;
  const from = installedText(installed);
  const files = await Promise.all(decision.files.map((file, i) => installer.backUp(file, entry, paths[i] ?? '')));
  return {
    name: entry.name,
    version: decision.release.version,
    release: releaseId(decision.release),
    names: releaseNames(decision.release),
    reason: decision.reason,
    keep: entry.keep,
    ...(entry.services.length === 0 && { service: 'none' }),
    ...(decision.leaves !== undefined && { leaves: decision.leaves }),
    files,
    ...(from !== undefined && { from }),
  };
}

/**
 * Asks the version that runs now what the new one will be asked: where it is unwell too, nobody can blame the new one
 * for the same (invariant 5), and its health decides nothing. Where nothing was installed there is nothing to compare with.
 */
async function control(
  { entry, decision, installed }: PlannedChange,
  services: readonly JournalService[],
  roles: ActRoles,
): Promise<Pick<JournalChange, 'health' | 'unwellBefore'>> {
  const { name, health: check } = entry;
  const willRun = services.some(({ service, processes }) => entry.services.includes(service) && processes.length > 0);
  if (check === undefined || !willRun) return {};
  if (decision.reason === 'not-installed' || installed.every(({ kind }) => kind === 'absent')) return { health: check };
  const unwell = await new HealthWatch([{ name, check }], roles).judge(() => roles.gate.mayBegin());
  if (unwell === undefined) return { health: check };
  roles.log.warn(`${name}: was not healthy before the update, so its health decides nothing: ${unwell.detail}`);
  return { unwellBefore: unwell.detail };
}
