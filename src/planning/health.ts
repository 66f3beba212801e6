import type { FailureReason } from '../domain/errors.ts';
import type { SeenState } from '../domain/evidence.ts';

/** Process states in supervisor's words; other service managers map theirs to these. */
export type ProcessState = 'running' | 'starting' | 'stopping' | 'stopped' | 'exited' | 'backoff' | 'fatal' | 'unknown';

export interface ProcessSample {
  /** `program` or `group:program`. */
  readonly process: string;
  readonly state: ProcessState;
  readonly pid?: number;
  /** Start time in clock ticks since boot: with the pid it names one process for ever, until the next boot. */
  readonly startTime?: string;
  /** The service manager's own words about the state. */
  readonly detail: string;
}

/** All processes of a service at one moment. */
export interface Sample {
  /** Milliseconds on a clock that never jumps. */
  readonly atMs: number;
  readonly processes: readonly ProcessSample[];
}

export interface Window {
  /** How long every process has to stay up, in milliseconds. */
  readonly stableMs: number;
  /** How long a process may take until it is up, in milliseconds. */
  readonly startMs: number;
}

export type Verdict =
  | { readonly kind: 'watching' }
  | { readonly kind: 'stable' }
  /** Somebody stopped it meanwhile, or the host goes down: nobody's fault, and nothing to go back for (invariant 7). */
  | { readonly kind: 'stopped'; readonly detail: string }
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly detail: string };

const MOST_SEEN = 100;
const COMING: ReadonlySet<ProcessState> = new Set(['starting', 'stopping', 'unknown']);

/**
 * Judges health as the stability of a pid over time (invariant 3): RUNNING at one look proves nothing, because a
 * crash loop is RUNNING at most looks. Pure: the samples are all it knows.
 */
export function judge(samples: readonly Sample[], window: Window): Verdict {
  const first = samples.findIndex((sample) => sample.processes.every(({ state }) => state === 'running'));
  const starting = first === -1 ? samples : samples.slice(0, first);
  const early = whileStarting(starting, window);
  if (early !== undefined) return early;
  const up = samples[first];
  if (up === undefined) return { kind: 'watching' };
  for (const sample of samples.slice(first + 1)) {
    const lost = lostProcess(up, sample, window);
    if (lost !== undefined) return lost;
  }
  const last = samples.at(-1) ?? up;
  return last.atMs - up.atMs >= window.stableMs ? { kind: 'stable' } : { kind: 'watching' };
}

function whileStarting(samples: readonly Sample[], window: Window): Verdict | undefined {
  const begin = samples[0]?.atMs ?? 0;
  for (const sample of samples) {
    const bad = sample.processes.find(({ state }) => state !== 'running' && !COMING.has(state));
    if (bad !== undefined)
      return { kind: 'failed', reason: 'did-not-start', detail: `${bad.process}: ${describe(bad)}` };
    const slow = sample.processes.find(({ state }) => state !== 'running');
    if (slow !== undefined && sample.atMs - begin > window.startMs) {
      const detail = `${slow.process}: ${describe(slow)}; expected RUNNING within ${seconds(window.startMs)}`;
      return { kind: 'failed', reason: 'did-not-start', detail };
    }
  }
  return undefined;
}

function lostProcess(up: Sample, sample: Sample, window: Window): Verdict | undefined {
  const after = `${seconds(sample.atMs - up.atMs)} into the watch of ${seconds(window.stableMs)}`;
  for (const before of up.processes) {
    const now = sample.processes.find(({ process }) => process === before.process);
    if (now === undefined || now.state === 'stopped' || now.state === 'stopping') {
      return { kind: 'stopped', detail: `${before.process} was stopped by somebody else ${after}` };
    }
    const died = `${before.process}: pid ${before.pid} died ${after}`;
    if (now.state !== 'running') return failed(`${died}; now ${describe(now)}`);
    if (now.pid !== before.pid || now.startTime !== before.startTime) {
      return failed(`${died}; now RUNNING again as pid ${now.pid}`);
    }
  }
  return undefined;
}

function failed(detail: string): Verdict {
  return { kind: 'failed', reason: 'did-not-stay-up', detail };
}

function describe({ state, detail }: ProcessSample): string {
  return `${state.toUpperCase()}${detail === '' ? '' : ` (${detail})`}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** What the watch saw, without the looks at which nothing had changed; at most {@link MOST_SEEN}, the last ones. */
export function statesSeen(samples: readonly Sample[]): readonly SeenState[] {
  const begin = samples[0]?.atMs ?? 0;
  const before = new Map<string, ProcessSample>();
  const seen: SeenState[] = [];
  for (const { atMs, processes } of samples) {
    for (const now of processes) {
      const former = before.get(now.process);
      before.set(now.process, now);
      if (former?.state === now.state && former.pid === now.pid) continue;
      const { process, state, pid, detail } = now;
      seen.push({ seconds: (atMs - begin) / 1000, process, state, ...(pid !== undefined && { pid }), detail });
    }
  }
  return seen.slice(-MOST_SEEN);
}

/** What an operator wanted of a service before it was touched. */
export type Intent = 'running' | 'stopped' | 'failing' | 'unsettled';

/**
 * STOPPED is a person's word and is kept (invariant 7). FATAL, BACKOFF and EXITED mean that it was meant to run: a new
 * release may be the cure.
 */
export function intentOf(state: ProcessState): Intent {
  switch (state) {
    case 'running':
      return 'running';
    case 'stopped':
      return 'stopped';
    case 'exited':
    case 'backoff':
    case 'fatal':
      return 'failing';
    case 'starting':
    case 'stopping':
    case 'unknown':
      return 'unsettled';
  }
}
