import { errorText, RunError } from '../domain/errors.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Plan } from '../domain/plan.ts';
import { dependenciesOf } from '../planning/dependencies.ts';
import { servicesChanged, turnOf } from '../planning/rollout.ts';
import { isChange, mayShareProcess, type Transaction, transactions } from '../planning/transactions.ts';
import { realPathOf, sweepTemporaries } from '../platform/files.ts';
import { watchProbations } from './probation.ts';
import { recover } from './recover.ts';
import { report } from './report.ts';
import type { ActRoles } from './roles.ts';
import { type FilesOf, transact } from './transaction.ts';

export interface Acted {
  /** The second look, made under the lock; absent where the run ended before it. */
  readonly plan?: Plan;
  readonly outcomes: readonly Outcome[];
  /** Why the run ended early: the lock was lost, or somebody asked it to stop. */
  readonly ended?: RunError;
}

/**
 * Recover, look again, transact. The caller holds the lock (invariant 11). Looks again because the world may have moved
 * since the look that found something to do.
 */
export async function act(manifest: Manifest, lookAgain: () => Promise<Plan>, roles: ActRoles): Promise<Acted> {
  const outcomes: Outcome[] = [];
  let plan: Plan | undefined;
  const came = async (more: readonly Outcome[]) => {
    outcomes.push(...more);
    await report(more, roles);
  };
  try {
    await came(await recover(roles));
    if ((await roles.journal.read()).kind === 'absent') {
      await sweep(manifest, roles);
      await came(await watchProbations(roles));
    }
    plan = await lookAgain();
    const dependencies = dependenciesOf(plan.binaries.map(({ entry }) => entry));
    const services = new Set<string>();
    const own: Outcome[] = [];
    for (const transaction of transactions(plan.binaries.filter(isChange), dependencies)) {
      roles.gate.mayBegin();
      const blocked = (await roles.journal.read()).kind !== 'absent';
      if (blocked) {
        await came(setBack(transaction, outcomes));
        continue;
      }
      const turn = turnOf(transaction, { outcomes, own, services }, { ...roles.bounds, dependencies });
      await came(turn.putOff);
      const [first, ...others] = turn.go;
      if (first === undefined) continue;
      const done = await transact([first, ...others], managedFiles(manifest), roles);
      for (const service of servicesChanged(turn.go, done)) services.add(service);
      own.push(...done);
      await came(done);
    }
    // Everything is done, but whoever asked the run to stop is told that it was heard.
    roles.gate.mayBegin();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return { outcomes, ended: error, ...(plan !== undefined && { plan }) };
  }
  return { plan, outcomes };
}

/**
 * There is one journal, so an update that could not be ended comes before every other. A binary of that very update has
 * its outcome already, and a worse one.
 */
function setBack(transaction: Transaction, before: readonly Outcome[]): readonly Outcome[] {
  const waiting = transaction.filter(({ entry }) => !before.some(({ name }) => name === entry.name));
  return waiting.map(({ entry }) => ({
    name: entry.name,
    outcome: 'failed',
    reason: 'blocked',
    detail: 'an earlier update could not be ended yet; it comes first',
  }));
}

/** Removes what dead runs left half-made. Only here: the lock is held, and no transaction is under way. */
async function sweep(manifest: Manifest, { installer, folders, log }: ActRoles): Promise<void> {
  try {
    for (const folder of folders) await sweepTemporaries(folder);
    for (const entry of manifest.entries) await installer.tidy([await realPathOf(entry.path)], entry);
  } catch (error) {
    log.warn(`cannot tidy up after an earlier run: ${errorText(error)}`);
  }
}

function managedFiles(manifest: Manifest): FilesOf {
  return async (service) => {
    const entries = manifest.entries.filter(({ services }) => services.some((one) => mayShareProcess(one, service)));
    return Promise.all(entries.map(({ path }) => realPathOf(path)));
  };
}
