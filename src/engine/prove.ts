import { UpdateError } from '../domain/errors.ts';
import { type Journal, journalProcesses } from '../domain/journal.ts';
import type { ActRoles } from './roles.ts';

/** Invariant 3: returns why the live files are not proven to run, or undefined where they are. */
export async function prove(journal: Journal, roles: ActRoles): Promise<UpdateError | undefined> {
  const watched = journal.services.filter(({ processes }) => processes.length > 0);
  if (watched.length === 0) return undefined;
  const names = journal.changes.map(({ name }) => name);
  const verdict = await roles.probe.prove(watched, roles.limits.window, (left) => roles.progress.proving(names, left));
  roles.progress.idle();
  return verdict.kind === 'failed' ? new UpdateError(verdict.reason, 'release', verdict.detail) : undefined;
}

export async function restartAndProve(journal: Journal, roles: ActRoles): Promise<UpdateError | undefined> {
  const processes = journalProcesses(journal).map(({ process }) => process);
  if (processes.length === 0) return undefined;
  roles.gate.mayGoOn();
  roles.log.info(`restarting ${processes.join(', ')}`);
  await roles.services.restart(processes);
  return prove(journal, roles);
}
