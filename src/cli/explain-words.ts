import type { PlannedBinary } from '../domain/plan.ts';
import { releaseId } from '../domain/release.ts';
import type { Standing } from '../planning/standing.ts';

/** What happens to a binary, why, and what a person can do about it. */
export interface Explanation {
  /** What the next run does. */
  readonly decision: 'update' | 'leave' | 'nothing' | 'fail' | 'recover' | 'not-asked';
  /** As in the plan; offline the state. */
  readonly reason: string;
  readonly why: string;
  /** What the server offers, where it was asked. */
  readonly offered?: { readonly release: string; readonly version: string };
  /** RFC 3339 UTC; absent: no time is set. */
  readonly nextAttempt?: string;
  readonly advice: string;
}

/** What the plan says goes before what this host remembers; a journal goes before both. Pure. */
export function explanationOf(
  standing: Standing,
  plan: PlannedBinary | undefined,
  { name, manifest }: { readonly name: string; readonly manifest: string },
): Explanation {
  if (standing.state === 'unfinished') {
    const advice = 'The next run takes it up first: bin-proxy run. "bin-proxy unlock" says whether one is at it now.';
    return { decision: 'recover', reason: 'unfinished', why: standing.detail, advice };
  }
  if (plan === undefined) return offline(standing, { name, manifest });
  const { decision } = plan;
  const release = 'release' in decision ? decision.release : undefined;
  const offered = release && { offered: { release: releaseId(release), version: release.version } };
  switch (decision.kind) {
    case 'up-to-date':
      return { decision: 'nothing', reason: 'up-to-date', why: upToDate(standing), ...offered, advice: SETTLED };
    case 'change': {
      const why = `${WHY[decision.reason]}${triedBefore(standing)}`;
      return { decision: 'update', reason: decision.reason, why, ...offered, advice: `Now: bin-proxy run ${name}` };
    }
    case 'leave': {
      const { reason, detail, until } = decision;
      const next = until === undefined ? {} : { nextAttempt: until };
      const advice = LEFT[reason]({ name, manifest });
      const why = standing.state === 'rollback-failed' ? standing.detail : detail;
      return { decision: 'leave', reason, why, ...offered, ...next, advice };
    }
    case 'fail': {
      const { reason, detail, hint } = decision;
      const advice = `${hint ?? 'Every run tries again.'}`;
      return { decision: 'fail', reason, why: detail, ...offered, advice };
    }
  }
}

const SETTLED = 'Nothing. Another release is taken by the first run after it is published.';
const WHY = {
  'not-installed': 'it is not installed yet',
  'new-release': 'the server offers another release than the one installed',
  drifted: 'the file was changed on this host; the next run puts the release back',
  'operator-rollback': 'an operator has asked to go back to it',
} as const;
const LEFT = {
  held: ({ name, manifest }: { readonly name: string; readonly manifest: string }) =>
    `To follow releases again: bin-proxy unhold ${name}, or remove its "hold" from ${manifest}.`,
  quarantined: ({ name }: { readonly name: string }) =>
    `Publish another release: it goes in at once. To try this one again now: bin-proxy retry ${name}`,
  'left-by-operator': ({ name }: { readonly name: string }) =>
    `Publish another release: it goes in at once. To take this one again: bin-proxy retry ${name}`,
  'backing-off': ({ name }: { readonly name: string }) =>
    `Mend what it names. To try again now: bin-proxy retry ${name}`,
  'waiting-for-dependency': ({ name }: { readonly name: string }) =>
    `Look at what it depends on; or without it: bin-proxy run ${name}`,
  'waiting-for-window': ({ name }: { readonly name: string }) => `Wait, or now: bin-proxy run ${name} --now`,
} as const;

/** What failed last may be another release than the one that is offered now: it is told as what it was. */
function triedBefore({ state, detail }: Standing): string {
  return state === 'rolled-back' || state === 'failed' ? `; the last try failed: ${detail}` : '';
}

function upToDate({ state, detail }: Standing): string {
  return state === 'rollback-failed'
    ? `the installed file is what the server offers; but ${detail}`
    : 'the installed file is what the server offers';
}

/** Without the server nobody knows whether it offers anything else. */
function offline(standing: Standing, place: { readonly name: string; readonly manifest: string }): Explanation {
  const { state, detail, until } = standing;
  const next = until === undefined ? {} : { nextAttempt: until };
  const common = { reason: state, why: detail === '' ? 'nothing stands in its way on this host' : detail };
  switch (state) {
    case 'held':
      return { ...common, decision: 'leave', advice: LEFT.held(place) };
    case 'quarantined':
    case 'backing-off':
      return { ...common, decision: 'leave', ...next, advice: LEFT[state](place) };
    case 'unreadable':
    case 'rollback-failed':
      return { ...common, decision: 'fail', advice: 'Look at the program and its log; docs/at-3-am.md' };
    default:
      return { ...common, decision: 'not-asked', advice: `What the server offers: bin-proxy explain ${place.name}` };
  }
}
