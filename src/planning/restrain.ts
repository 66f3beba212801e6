import type { LeaveReason } from '../domain/outcome.ts';
import type { Decision, Plan, PlannedBinary } from '../domain/plan.ts';
import { dependenciesOf } from './dependencies.ts';
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
  const timed = plan.binaries.map((binary) => ({ ...binary, decision: inItsWindow(binary, restraint) }));
  const dependencies = dependenciesOf(timed.map(({ entry }) => entry));
  const binaries = timed.map((binary) => {
    const needed = dependencies.get(binary.entry.name);
    const unmet = timed.filter(({ entry }) => needed?.has(entry.name) === true).find(isUnmet);
    return unmet === undefined ? binary : { ...binary, decision: afterItsTurn(binary.decision, unmet) };
  });
  return { ...plan, binaries };
}

/**
 * Another release of it is offered and is not in place, or nobody knows. An operator's word is none of that: who holds
 * it, or has gone back from it, wants the host as it is.
 */
function isUnmet({ decision }: PlannedBinary): boolean {
  return decision.kind === 'fail' || (decision.kind === 'leave' && WORDS[decision.reason] !== undefined);
}

function afterItsTurn(decision: Decision, unmet: PlannedBinary): Decision {
  if (decision.kind !== 'change') return decision;
  const before = unmet.decision;
  const word = before.kind === 'leave' ? WORDS[before.reason] : 'cannot be judged';
  const until = before.kind === 'leave' && before.until !== undefined ? { until: before.until } : {};
  return {
    kind: 'leave',
    release: decision.release,
    reason: 'waiting-for-dependency',
    detail: `waiting for ${unmet.entry.name}, which it depends on: it ${word}`,
    ...until,
  };
}

const WORDS: Partial<Record<LeaveReason, string>> = {
  quarantined: 'is in quarantine',
  'backing-off': 'is to be tried again later',
  'waiting-for-window': 'waits for its window',
};

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
