import { UpdateError } from '../domain/errors.ts';
import { inBoot, type Journal, type JournalFile, journalFiles, journalProcesses } from '../domain/journal.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type FoundFile, recovery } from '../planning/recover.ts';
import { bootId } from '../platform/processes.ts';
import { commit } from './commit.ts';
import { orFailed, type Proven, prove, unwatched } from './prove.ts';
import type { ActRoles } from './roles.ts';
import { giveUp, noteInJournal, rollBack, touchedProcesses } from './rollback.ts';
import { serviceOutcome } from './transaction.ts';

/**
 * Puts right what a dead tick left behind, before anything else is done. A damaged journal is moved aside: what lies at
 * the targets is then judged like any other file.
 */
export async function recover(roles: ActRoles): Promise<readonly Outcome[]> {
  const file = await roles.journal.read();
  if (file.kind === 'absent') return [];
  if (file.kind === 'damaged') {
    const aside = await roles.journal.moveAside(roles.clock.now());
    roles.log.error(`the journal of an unfinished update is damaged (${file.why}); kept as ${aside}`);
    return [];
  }
  const journal = { ...inBoot(file.value, await bootId()), attempts: file.value.attempts + 1 };
  const names = journal.changes.map(({ name }) => name).join(', ');
  roles.log.warn(`${names}: taking up the update that run ${journal.run} left unfinished (try ${journal.attempts})`);
  await noteInJournal(journal, roles);
  switch (recovery(journal, await inspect(journal, roles))) {
    case 'abandon':
      await roles.journal.remove();
      return [];
    case 'finish':
      return finish(journal, roles);
    case 'undo':
      return rollBack(journal, unwatched(whyUndone(journal)), roles);
    case 'give-up':
      return giveUp(journal, roles);
  }
}

async function inspect(journal: Journal, roles: ActRoles): Promise<ReadonlyMap<JournalFile, FoundFile>> {
  const found = new Map<JournalFile, FoundFile>();
  for (const file of journalFiles(journal)) found.set(file, await roles.installer.inspect(file));
  return found;
}

function whyUndone({ failed, run }: Journal): UpdateError {
  return failed === undefined
    ? new UpdateError({ reason: 'interrupted', fault: 'transfer' }, `run ${run} ended in the middle of the update`)
    : new UpdateError({ reason: failed.reason, fault: failed.fault }, failed.detail);
}

/** All files are live: make their services run them, and prove it. */
async function finish(journal: Journal, roles: ActRoles): Promise<readonly Outcome[]> {
  const begun = roles.clock.monotonicMs();
  const proven = await orFailed(() => bringUp(journal, roles));
  if (proven.kind === 'failed') return rollBack(journal, proven, roles);
  const seconds = (roles.clock.monotonicMs() - begun) / 1000;
  return commit(journal, { service: serviceOutcome(journal, proven), seconds, processes: proven.processes }, roles);
}

/**
 * A process that is still the one from before gets its restart. One that is stopped was stopped by us: what an operator
 * had stopped is not in the journal (invariant 7). One that has failed meanwhile is judged, not started again
 * (invariant 5).
 */
async function bringUp(journal: Journal, roles: ActRoles): Promise<Proven> {
  if (journalProcesses(journal).length === 0) return prove(journal, roles);
  const touched = new Set((await touchedProcesses(journal)).map(({ process }) => process));
  const before = journalProcesses(journal).filter(({ process }) => !touched.has(process));
  roles.gate.mayGoOn();
  if (before.length > 0) await roles.services.restart(before.map(({ process }) => process));
  const statuses = await roles.services.inspect(journal.services.map(({ service }) => service));
  const stopped = [...statuses.values()]
    .flatMap((status) => (status.kind === 'known' ? status.processes : []))
    .filter(({ process, state }) => state === 'stopped' && touched.has(process));
  roles.gate.mayGoOn();
  if (stopped.length > 0) await roles.services.start(stopped.map(({ process }) => process));
  return prove(journal, roles);
}
