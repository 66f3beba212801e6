import type { Plan } from '../domain/plan.ts';
import { look } from '../engine/look.ts';
import type { Invocation } from './command-line.ts';
import type { ExitCode } from './exit-codes.ts';
import { endIdle, type Told } from './idle-end.ts';
import { isStandstill, keepStandstill, mayStandStill } from './standstill.ts';
import { begin, conclude, idleOutcome, nothingPending, policyOf, type Tick, withManifest } from './tick.ts';

/** `bin-proxy run`: most ticks end before the look, or with it, and have loaded nothing else. */
export async function runCommand(invocation: Invocation): Promise<ExitCode> {
  try {
    return await runTick(invocation);
  } catch (error) {
    if (invocation.names.length === 0) await (await import('./around.ts')).tellTrouble(invocation, error);
    throw error;
  }
}

async function runTick(invocation: Invocation): Promise<ExitCode> {
  const beginning = await begin(invocation);
  const mayRest = mayStandStill(beginning);
  if (mayRest && (await isStandstill(beginning))) return 0;
  const tick = await withManifest(beginning);
  const plan = await look(tick.entries, tick.half, policyOf(tick));
  // A run that changes something saves it when that is done: a release waits for nothing.
  if (plan.binaries.every(({ decision }) => decision.kind !== 'change')) await tick.half.cache.save();
  const quiet = plan.binaries.every(({ decision }) => decision.kind === 'up-to-date' || decision.kind === 'leave');
  const isIdle = quiet && tick.warnings.length + plan.warnings.length === 0 && (await nothingPending(tick));
  if (mayRest) await keepStandstill(tick, isIdle ? plan : undefined);
  if (isIdle) return endIdle(tick, plan, concludeIdle(tick, plan));
  const { beginActing } = await import('./act-begin.ts');
  return beginActing(tick, plan);
}

function concludeIdle(tick: Tick, plan: Plan): Told {
  const outcomes = plan.binaries.map(idleOutcome);
  return { outcomes, exitCode: conclude(tick, outcomes) };
}
