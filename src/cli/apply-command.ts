import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { RunError } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import { look } from '../engine/look.ts';
import { changedNames, differencesFrom, type SavedPlan } from '../planning/saved-plan.ts';
import { takeLock } from '../platform/lock.ts';
import { readSavedPlan } from '../store/saved-plan-file.ts';
import { actLocked } from './act-tick.ts';
import type { Invocation } from './command-line.ts';
import type { ExitCode } from './exit-codes.ts';
import { beginTick, conclude, policyOf } from './tick.ts';
import { logOf } from './tick-log.ts';

/**
 * `bin-proxy apply`: carries out a plan that was saved, as a run of the binaries that it changes, and nothing where the
 * host or what is offered is no longer what it was. What the file says is compared, never done: a forged one can choose
 * among what a run would do, and no more.
 */
export async function applyCommand(invocation: Invocation): Promise<ExitCode> {
  const [file] = invocation.names;
  if (file === undefined) throw new RunError('usage', 'apply needs the file of a plan');
  const saved = await readSavedPlan(resolve(file));
  if (saved.host !== hostname())
    throw new RunError('outdated', `this plan is of the host ${saved.host}, and this one is ${hostname()}`);
  const names = changedNames(saved);
  if (names.length === 0) {
    process.stdout.write('The plan changes nothing.\n');
    return 0;
  }
  const tick = await beginTick(asRunOf(names, saved, invocation));
  const lookFitting = async () => fitting(saved, await look(tick.entries, tick.half, policyOf(tick)), file);
  const plan = await lookFitting();
  if (plan.binaries.length === 0) return conclude(tick, []);
  return actLocked(tick, plan, {
    log: logOf(tick),
    due: 'later',
    lookAgain: lookFitting,
    takeLock: () => takeLock(tick.settings.lockFile, new Date()),
  });
}

/** With what the look of the plan was allowed to overrule. */
function asRunOf(names: readonly string[], saved: SavedPlan, invocation: Invocation): Invocation {
  const now = saved.now === 'yes' ? { now: 'yes' } : {};
  return { ...invocation, names, force: saved.force, wishes: { ...invocation.wishes, ...now } };
}

function fitting(saved: SavedPlan, plan: Plan, file: string): Plan {
  const differences = differencesFrom(saved, plan);
  if (differences.length === 0) return plan;
  const list = differences.map((line) => `  ${line}`).join('\n');
  throw new RunError('outdated', `the plan of ${saved.at} no longer fits, and is not carried out:\n${list}`, {
    hint: `Look at it anew: bin-proxy plan --out ${file}`,
  });
}
