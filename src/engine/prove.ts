import { UpdateError } from '../domain/errors.ts';
import type { SeenState } from '../domain/evidence.ts';
import type { HealthSeen } from '../domain/health.ts';
import type { Journal } from '../domain/journal.ts';
import type { ProcessSample } from '../planning/health.ts';
import { type AskedBinary, HealthWatch } from './health-watch.ts';
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
  readonly health: readonly HealthSeen[];
}

/** A reason to go back that no watch has found. */
export function unwatched(trouble: UpdateError): FailedProof {
  return { kind: 'failed', trouble, seen: [], health: [] };
}

/** The same processes for the whole window, running what is live, and in the end in good health by their own word. */
export async function prove(journal: Journal, roles: ActRoles): Promise<Proven> {
  const watched = journal.services.filter(({ processes }) => processes.length > 0);
  if (watched.length === 0) return { kind: 'proven', processes: [] };
  const names = journal.changes.map(({ name }) => name);
  const health = new HealthWatch(healthChecks(journal), roles);
  const { window } = roles.limits;
  const proof = await roles.probe.prove(watched, window, (left) => {
    roles.gate.mayGoOn();
    roles.progress.proving(names, left);
    // Nothing is asked before everything is up.
    if (left * 1000 < window.stableMs) health.glance();
  });
  roles.progress.idle();
  await health.settle();
  if (proof.kind === 'failed') {
    const trouble = new UpdateError({ reason: proof.reason, fault: 'release' }, proof.detail);
    return { kind: 'failed', trouble, seen: proof.seen, health: health.seen };
  }
  const unwell = proof.kind === 'proven' ? await health.judge(() => roles.gate.mayGoOn()) : undefined;
  return unwell === undefined ? proof : unhealthy(unwell, health.seen);
}

function unhealthy({ name, detail }: HealthSeen, health: readonly HealthSeen[]): FailedProof {
  const trouble = new UpdateError({ reason: 'unhealthy', fault: 'release' }, `${name}: ${detail}`);
  return { kind: 'failed', trouble, seen: [], health };
}

/** What the binaries of a transaction are asked. */
export function healthChecks({ changes }: Journal): readonly AskedBinary[] {
  return changes.flatMap(({ name, health }) => (health === undefined ? [] : [{ name, check: health }]));
}

/** Runs a step that brings new files live; trouble of its own is as good as a failed proof. */
export async function orFailed<T>(step: () => Promise<T>): Promise<T | FailedProof> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof UpdateError) return unwatched(error);
    throw error;
  }
}
