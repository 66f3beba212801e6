import type { Plan } from '../domain/plan.ts';
import { look } from '../engine/look.ts';
import type { Invocation } from './command-line.ts';
import type { ExitCode } from './exit-codes.ts';
import {
  beginTick,
  conclude,
  hasWatchers,
  idleOutcome,
  isStatusDue,
  nothingPending,
  policyOf,
  type Tick,
} from './tick.ts';

/** `bin-proxy run`: most ticks end with the look, and have loaded nothing else. */
export async function runCommand(invocation: Invocation): Promise<ExitCode> {
  try {
    return await runTick(invocation);
  } catch (error) {
    if (invocation.names.length === 0) await (await import('./around.ts')).tellTrouble(invocation, error);
    throw error;
  }
}

async function runTick(invocation: Invocation): Promise<ExitCode> {
  const tick = await beginTick(invocation);
  const plan = await look(tick.entries, tick.half, policyOf(tick));
  await tick.half.cache.save();
  const quiet = plan.binaries.every(({ decision }) => decision.kind === 'up-to-date' || decision.kind === 'leave');
  if (quiet && tick.warnings.length + plan.warnings.length === 0 && (await nothingPending(tick)))
    return await concludeIdle(tick, plan);
  const { actTick } = await import('./act-tick.ts');
  return actTick(tick, plan);
}

async function concludeIdle(tick: Tick, plan: Plan): Promise<ExitCode> {
  const outcomes = plan.binaries.map(idleOutcome);
  const exitCode = conclude(tick, outcomes);
  if (await isStatusDue(tick, plan)) await (await import('./tick-status.ts')).tellStatus(tick, outcomes);
  if (hasWatchers(tick)) await new (await import('./around.ts')).Around(tick).end({ outcomes, exitCode });
  return exitCode;
}
