import type { Journal, JournalChange, JournalService } from '../domain/journal.ts';
import { releaseId, releaseNames } from '../domain/release.ts';
import { installedText } from '../planning/decide.ts';
import { bootId } from '../platform/processes.ts';
import { adoptFinds } from './adopt.ts';
import type { Checked } from './health-before.ts';
import type { ActRoles } from './roles.ts';

/** Backs up and writes the journal: the last moment at which nothing live has been touched (invariant 2). */
export async function prepare(
  staged: readonly Checked[],
  services: readonly JournalService[],
  roles: ActRoles,
): Promise<Journal> {
  const { clock, gate, run, journal: store } = roles;
  gate.mayBegin();
  const changes: JournalChange[] = [];
  for (const one of staged) {
    changes.push({ ...(await journalChange(one, roles)), ...one.before });
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

async function journalChange({ change, paths }: Checked, { installer }: ActRoles): Promise<JournalChange> {
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
