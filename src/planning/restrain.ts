import type { Decision, Plan, PlannedBinary } from '../domain/plan.ts';
import { clockText, isOpen, nextOpening } from './window.ts';

export interface Restraint {
  readonly now: Date;
  /** `ignore` is an operator's `--now`. */
  readonly windows: 'respect' | 'ignore';
}

/**
 * The plan with what has to wait left alone, whose turn it would be. Loaded only where the manifest restrains anything.
 * A pure function, as `decide` is (invariant 13).
 */
export function restrain(plan: Plan, restraint: Restraint): Plan {
  const binaries = plan.binaries.map((binary) => ({ ...binary, decision: inItsWindow(binary, restraint) }));
  return { ...plan, binaries };
}

/** What is not there disturbs nobody by coming, and does harm by not being there. */
function inItsWindow({ entry: { window }, decision }: PlannedBinary, { now, windows }: Restraint): Decision {
  if (windows === 'ignore' || window === undefined || decision.kind !== 'change') return decision;
  if (decision.reason === 'not-installed' || isOpen(window, now)) return decision;
  const opens = nextOpening(window, now);
  return {
    kind: 'leave',
    release: decision.release,
    reason: 'waiting-for-window',
    detail: `waiting for its window (${window.text}), opens ${opens === undefined ? 'never' : clockText(opens)}`,
    ...(opens !== undefined && { until: opens.toISOString() }),
  };
}
