import { type Journal, journalProcesses, withProcesses } from '../domain/journal.ts';
import type { ProcessSample, ProcessState } from '../planning/health.ts';
import { nextWave } from '../planning/waves.ts';
import { type Proven, prove } from './prove.ts';
import type { ActRoles } from './roles.ts';

/** Brings the processes of a wave up, all of them with the file that is live. The journal has only these. */
export type BringUp = (wave: Journal, roles: ActRoles) => Promise<void>;

/**
 * Brings up everything in waves (`planning/waves`), each of which is proven before the next one; the last proof is of all
 * of them. What somebody has stopped meanwhile is not started (invariant 7).
 */
export async function inWaves(journal: Journal, bringUp: BringUp, roles: ActRoles): Promise<Proven> {
  const done = new Set<string>();
  const proven = new Set<string>();
  let left = journal;
  for (let proof: Proven | undefined; ; ) {
    const wave = nextWave(left.services, { done, proven });
    if (wave.length === 0) return proof ?? prove(left, roles);
    await bringUp(
      withProcesses(left, ({ process }) => wave.includes(process)),
      roles,
    );
    for (const process of wave) done.add(process);
    proof = await prove(
      withProcesses(left, ({ process }) => done.has(process)),
      roles,
    );
    if (proof.kind === 'failed') return proof;
    if (proof.kind === 'proven') for (const process of wave) proven.add(process);
    if (journalProcesses(left).every(({ process }) => done.has(process))) return proof;
    left = await withoutStopped(left, roles);
  }
}

/** The state of every process of the services, by name. */
export async function statesNow({ services }: Journal, roles: ActRoles): Promise<ReadonlyMap<string, ProcessState>> {
  const statuses = await roles.services.inspect(services.map(({ service }) => service));
  const processes = [...statuses.values()].flatMap((status): readonly ProcessSample[] =>
    status.kind === 'known' ? status.processes : [],
  );
  return new Map(processes.map(({ process, state }) => [process, state]));
}

/** Between two waves lies a whole window, in which an operator may have stopped anything. */
async function withoutStopped(journal: Journal, roles: ActRoles): Promise<Journal> {
  const states = await statesNow(journal, roles);
  return withProcesses(journal, ({ process }) => states.get(process) !== 'stopped');
}
