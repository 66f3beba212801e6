import { UpdateError } from '../domain/errors.ts';
import type { SeenState } from '../domain/evidence.ts';
import { type Journal, journalProcesses } from '../domain/journal.ts';
import type { ProcessSample } from '../planning/health.ts';
import type { ActRoles } from './roles.ts';

/** Whether the live files are proven to run (invariant 3), with the processes that do, or why they are not. */
export type Proven =
  | { readonly kind: 'proven' | 'stopped'; readonly processes: readonly ProcessSample[] }
  | FailedProof;

/** Why a release goes back, and what was seen of it until then. */
export interface FailedProof {
  readonly kind: 'failed';
  readonly trouble: UpdateError;
  readonly seen: readonly SeenState[];
}

/** A reason to go back that no watch has found. */
export function unwatched(trouble: UpdateError): FailedProof {
  return { kind: 'failed', trouble, seen: [] };
}

export async function prove(journal: Journal, roles: ActRoles): Promise<Proven> {
  const watched = journal.services.filter(({ processes }) => processes.length > 0);
  if (watched.length === 0) return { kind: 'proven', processes: [] };
  const names = journal.changes.map(({ name }) => name);
  const proof = await roles.probe.prove(watched, roles.limits.window, (left) => {
    roles.gate.mayGoOn();
    roles.progress.proving(names, left);
  });
  roles.progress.idle();
  if (proof.kind !== 'failed') return proof;
  const trouble = new UpdateError({ reason: proof.reason, fault: 'release' }, proof.detail);
  return { kind: 'failed', trouble, seen: proof.seen };
}

export async function restartAndProve(journal: Journal, roles: ActRoles): Promise<Proven> {
  const processes = journalProcesses(journal).map(({ process }) => process);
  if (processes.length > 0) {
    roles.gate.mayGoOn();
    roles.log.info(`restarting ${processes.join(', ')}`);
    await roles.services.restart(processes);
  }
  return prove(journal, roles);
}

/** Runs a step that brings new files live; trouble of its own is as good as a failed proof. */
export async function orFailed(step: () => Promise<Proven>): Promise<Proven> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof UpdateError) return unwatched(error);
    throw error;
  }
}
