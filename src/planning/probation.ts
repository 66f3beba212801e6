import type { FailureReason } from '../domain/errors.ts';
import type { Probation, WatchedProcess } from '../domain/probation.ts';
import { intentOf, type ProcessSample } from './health.ts';

/** A restart or two may be an operator's; this many, each seen by another tick, are a crash loop. */
const CRASH_LOOP = 3;
/** So many ticks must find it unwell at the end. */
const UNWELL = 3;

export type ProbationVerdict =
  /** Still the processes that were proven, and the time is not up. */
  | { readonly kind: 'goes-on'; readonly probation: Probation }
  /** Its time is up, or there is nothing left to watch. */
  | { readonly kind: 'passed' }
  /** `stopped` were stopped on purpose meanwhile, and stay so (invariant 7). */
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      readonly detail: string;
      readonly stopped: readonly string[];
    };

export interface Seen {
  readonly now: Date;
  readonly bootId: string;
  /** What the service manager says about every process of the services in the journal, watched or not any more. */
  readonly samples: readonly ProcessSample[];
}

/**
 * Also over where more is left of it than it ever was long, and as much again: the clock was set back since, and a
 * release is not watched for years. A little back makes it a little longer.
 */
export function isOver({ until, journal }: Probation, now: Date): boolean {
  const end = Date.parse(until);
  const left = end - now.getTime();
  return left <= 0 || left > 2 * (end - Date.parse(journal.startedAt));
}

/** Judges one look at a release on probation. Pure: `seen` is all it knows. */
export function judgeProbation(probation: Probation, seen: Seen): ProbationVerdict {
  const rebooted = seen.bootId !== probation.bootId;
  const sinceBoot = rebooted ? { bootId: seen.bootId, rebooted } : {};
  const samples = probation.watched.flatMap(({ process }) => seen.samples.find((one) => one.process === process) ?? []);
  const stopped = stoppedAmong(seen.samples);
  const down = samples.find(({ state }) => intentOf(state) === 'failing');
  if (down !== undefined && !rebooted) {
    return {
      kind: 'failed',
      reason: 'did-not-stay-up',
      detail: `${down.process}: ${down.state.toUpperCase()} (${down.detail}) while on probation`,
      stopped,
    };
  }
  // What somebody stopped on purpose, or took out of supervisor's hands, is not ours to judge (invariant 7).
  const watched = samples.flatMap(({ process, pid, startTime }): WatchedProcess[] => {
    return pid === undefined || startTime === undefined ? [] : [{ process, pid, startTime }];
  });
  const changed = watched.filter((now) => !probation.watched.some((before) => isSame(before, now)));
  const restarts = probation.restarts + (changed.length > 0 && !rebooted ? 1 : 0);
  if (restarts >= CRASH_LOOP) {
    const names = changed.map(({ process }) => process).join(', ');
    return {
      kind: 'failed',
      reason: 'did-not-stay-up',
      detail: `${names}: restarted again and again while on probation (seen ${restarts} times)`,
      stopped,
    };
  }
  if (isOver(probation, seen.now)) return { kind: 'passed' };
  // One that takes long to start or to stop is looked at again by the next tick.
  if (samples.some(({ state }) => intentOf(state) === 'unsettled')) return { kind: 'goes-on', probation };
  if (watched.length === 0) return { kind: 'passed' };
  return { kind: 'goes-on', probation: { ...probation, ...sinceBoot, watched, restarts } };
}

/**
 * Whether its health is asked when its time is up. After a reboot it is not: a program that takes long to warm up may
 * still do so at the end of a probation that began before it. That its processes stay up counts all the same.
 */
export function asksHealth({ bootId, rebooted }: Probation, now: string): boolean {
  return rebooted !== true && bootId === now;
}

/**
 * Judges the health of a release whose time is up. What it needs may be away for a minute or two: only where tick after
 * tick finds it unwell is it the release. `unwell` is what was found; absent: nothing. `samples` are as in {@link Seen}.
 */
export function judgeHealth(
  probation: Probation,
  unwell: string | undefined,
  samples: readonly ProcessSample[],
): ProbationVerdict {
  if (unwell === undefined) return { kind: 'passed' };
  const seen = (probation.unwell ?? 0) + 1;
  if (seen < UNWELL) return { kind: 'goes-on', probation: { ...probation, unwell: seen } };
  const detail = `${unwell} at the end of its probation (seen ${seen} times)`;
  return { kind: 'failed', reason: 'unhealthy', detail, stopped: stoppedAmong(samples) };
}

/** Among all of them: what was stopped on purpose is watched no more from the next tick on, and is to stay so. */
function stoppedAmong(samples: readonly ProcessSample[]): readonly string[] {
  return samples.filter(({ state }) => intentOf(state) === 'stopped').map(({ process }) => process);
}

function isSame(before: WatchedProcess, now: WatchedProcess): boolean {
  return before.process === now.process && before.pid === now.pid && before.startTime === now.startTime;
}
