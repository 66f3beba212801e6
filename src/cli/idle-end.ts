import type { Outcome } from '../domain/outcome.ts';
import type { Plan } from '../domain/plan.ts';
import type { ExitCode } from './exit-codes.ts';
import { hasWatchers, isStatusDue, type Tick } from './tick.ts';

/** What a run has told, and what it ends with. */
export interface Told {
  readonly outcomes: readonly Outcome[];
  readonly exitCode: ExitCode;
}

/** Ends a run that has changed nothing: tells those who want to know of it, and loads nothing where nobody does. */
export async function endIdle(tick: Tick, plan: Plan, { outcomes, exitCode }: Told): Promise<ExitCode> {
  if (await isStatusDue(tick, plan)) await (await import('./tick-status.ts')).tellStatus(tick, outcomes);
  if (hasWatchers(tick)) await new (await import('./around.ts')).Around(tick).end({ outcomes, exitCode });
  return exitCode;
}
