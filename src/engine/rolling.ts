import { UpdateError } from '../domain/errors.ts';
import { type Journal, journalProcesses, withProcesses } from '../domain/journal.ts';
import type { ProcessSample, ProcessState } from '../planning/health.ts';
import { nextWave } from '../planning/waves.ts';
import { orFailed, type Proven, prove } from './prove.ts';
import type { ActRoles } from './roles.ts';

/** Brings the processes of a wave up, all of them with the file that is live. The journal has only these. */
export type BringUp = (wave: Journal, roles: ActRoles) => Promise<void>;

/** How the waves ended. */
export interface Waved {
  readonly proven: Proven;
  /** Without what somebody has stopped meanwhile: whatever comes now must not start it (invariant 7). */
  readonly journal: Journal;
}

/**
 * Brings up everything in waves (`planning/waves`), each of which is proven before the next one; the last proof is of all
 * of them. What somebody has stopped meanwhile is not started (invariant 7). Throws only `RunError`.
 */
export async function inWaves(journal: Journal, bringUp: BringUp, roles: ActRoles): Promise<Waved> {
  const done = new Set<string>();
  const proven = new Set<string>();
  let left = journal;
  for (let proof: Proven | undefined; ; ) {
    const wave = nextWave(left.services, { done, proven });
    if (wave.length === 0) return { proven: proof ?? (await orFailed(() => prove(left, roles))), journal: left };
    // From here on it is we who may have stopped them.
    for (const process of wave) done.add(process);
    proof = await orFailed(() => oneWave(left, { wave, done, bringUp }, roles));
    if (proof.kind === 'failed') return { proven: proof, journal: await withoutStopped(left, done, roles) };
    if (proof.kind === 'proven') for (const process of wave) proven.add(process);
    if (journalProcesses(left).every(({ process }) => done.has(process))) return { proven: proof, journal: left };
    left = await withoutStopped(left, new Set(), roles);
  }
}

interface Wave {
  readonly wave: readonly string[];
  readonly done: ReadonlySet<string>;
  readonly bringUp: BringUp;
}

async function oneWave(journal: Journal, { wave, done, bringUp }: Wave, roles: ActRoles): Promise<Proven> {
  await bringUp(
    withProcesses(journal, ({ process }) => wave.includes(process)),
    roles,
  );
  return prove(
    withProcesses(journal, ({ process }) => done.has(process)),
    roles,
  );
}

/** The state of every process of the services, by name. */
export async function statesNow({ services }: Journal, roles: ActRoles): Promise<ReadonlyMap<string, ProcessState>> {
  const statuses = await roles.services.inspect(services.map(({ service }) => service));
  const processes = [...statuses.values()].flatMap((status): readonly ProcessSample[] =>
    status.kind === 'known' ? status.processes : [],
  );
  return new Map(processes.map(({ process, state }) => [process, state]));
}

/**
 * Between two waves lies a whole window, in which an operator may have stopped anything. `ours` are those that a wave which
 * failed may itself have left stopped.
 */
async function withoutStopped(journal: Journal, ours: ReadonlySet<string>, roles: ActRoles): Promise<Journal> {
  try {
    const states = await statesNow(journal, roles);
    return withProcesses(journal, ({ process }) => ours.has(process) || states.get(process) !== 'stopped');
  } catch (error) {
    // Nobody can be asked. What comes next will say so.
    if (error instanceof UpdateError) return journal;
    throw error;
  }
}
