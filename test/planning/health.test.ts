import { describe, expect, it } from 'vitest';
import {
  intentOf,
  judge,
  type ProcessSample,
  type ProcessState,
  type Sample,
  statesSeen,
  type Window,
} from '../../src/planning/health.ts';

const WINDOW: Window = { stableMs: 1_000, startMs: 3_000 };

/** One process at one moment: `running 7` is pid 7, and its start time follows the pid unless it is given. */
function seen(words: string, process = 'app'): ProcessSample {
  const [state = '', pid, startTime] = words.split(' ');
  const known: ProcessSample = { process, state: state as ProcessState, detail: '' };
  return pid === undefined ? known : { ...known, pid: Number(pid), startTime: startTime ?? `${pid}00` };
}

/** Samples of one process, a quarter of a second apart. */
function each(...states: readonly string[]): readonly Sample[] {
  return states.map((words, i) => ({ atMs: i * 250, processes: [seen(words)] }));
}

/** Samples of a group: for each moment the states of its programs. */
function group(...moments: readonly Readonly<Record<string, string>>[]): readonly Sample[] {
  return moments.map((programs, i) => ({
    atMs: i * 500,
    processes: Object.entries(programs).map(([name, words]) => seen(words, name)),
  }));
}

describe('the judgement over time (invariant 3)', () => {
  it.each<[string, readonly Sample[]]>([
    ['nothing seen yet', []],
    ['RUNNING at one look proves nothing', each('running 7')],
    ['not long enough', each('running 7', 'running 7', 'running 7', 'running 7')],
    ['still starting', each('starting', 'starting')],
    [
      'the window begins when it is up, not when it is started',
      each('starting', 'starting', 'running 7', 'running 7', 'running 7'),
    ],
    ['stopping on its way through a restart', each('stopping', 'starting')],
    ['not known for a moment', each('unknown')],
  ])('goes on watching: %s', (_, samples) => {
    expect(judge(samples, WINDOW)).toEqual({ kind: 'watching' });
  });

  it('calls it stable when the same process has been up for the whole window', () => {
    const five = Array<string>(5).fill('running 7');
    expect(judge(each(...five), WINDOW)).toEqual({ kind: 'stable' });
    expect(judge(each('starting', 'starting', ...five), WINDOW)).toEqual({ kind: 'stable' });
  });

  it.each<[string, readonly Sample[], string, RegExp]>([
    [
      'another pid: a crash loop is RUNNING at every look',
      each('running 7', 'running 7', 'running 8'),
      'did-not-stay-up',
      /^app\b.*pid 7\b.*0\.5 s.*8/,
    ],
    [
      'the same pid with another start time: pids are used again',
      each('running 7', 'running 7 999'),
      'did-not-stay-up',
      /^app\b.*pid 7\b.*0\.3 s/,
    ],
    ['it died', each('running 7', 'exited'), 'did-not-stay-up', /^app\b.*pid 7\b.*EXITED/],
    ['it is starting again', each('running 7', 'starting'), 'did-not-stay-up', /^app\b.*pid 7\b.*STARTING/],
    ['FATAL at once', each('fatal'), 'did-not-start', /^app\b.*FATAL/],
    ['FATAL after a while', each('starting', 'starting', 'fatal'), 'did-not-start', /^app\b.*FATAL/],
    ['BACKOFF: it has died once already', each('starting', 'backoff'), 'did-not-start', /^app\b.*BACKOFF/],
    ['EXITED before it was ever up', each('exited'), 'did-not-start', /^app\b.*EXITED/],
    ['STOPPED by somebody', each('stopped'), 'did-not-start', /^app\b.*STOPPED/],
  ])('fails: %s', (_, samples, reason, detail) => {
    const verdict = judge(samples, WINDOW);
    expect(verdict).toEqual({ kind: 'failed', reason, detail: expect.stringMatching(detail) as string });
  });

  it('never takes a failure back, whatever is seen later', () => {
    const later = ['running 8', ...Array<string>(8).fill('running 8')];
    expect(judge(each('running 7', ...later), WINDOW)).toMatchObject({ kind: 'failed', reason: 'did-not-stay-up' });
    expect(judge(each('fatal', ...later), WINDOW)).toMatchObject({ kind: 'failed', reason: 'did-not-start' });
  });

  it("quotes the service manager's own words", () => {
    const samples = [{ atMs: 0, processes: [{ ...seen('fatal'), detail: 'Exited too quickly' }] }];
    expect(judge(samples, WINDOW)).toMatchObject({
      detail: expect.stringContaining('FATAL (Exited too quickly)') as string,
    });
  });

  it('gives a slow starter its time, and no more', () => {
    const slow = (...at: readonly number[]) => at.map((atMs) => ({ atMs, processes: [seen('starting')] }));
    expect(judge(slow(0, 1_500, 3_000), WINDOW)).toEqual({ kind: 'watching' });
    expect(judge(slow(0, 1_500, 3_001), WINDOW)).toEqual({
      kind: 'failed',
      reason: 'did-not-start',
      detail: expect.stringMatching(/^app\b.*STARTING.*expected RUNNING within 3\.0 s/) as string,
    });
  });
});

describe('the judgement over a group', () => {
  const both = { 'web:a': 'running 7', 'web:b': 'running 8' };

  it('is stable when every process of it is', () => {
    expect(judge(group(both, both, both), WINDOW)).toEqual({ kind: 'stable' });
  });

  it('begins its window when the last of them is up', () => {
    const half = { ...both, 'web:b': 'starting' };
    expect(judge(group(half, half, both, both), WINDOW)).toEqual({ kind: 'watching' });
    expect(judge(group(half, half, both, both, both), WINDOW)).toEqual({ kind: 'stable' });
  });

  it.each<[string, readonly Sample[], RegExp]>([
    ['one of them does not start', group({ ...both, 'web:b': 'fatal' }), /^web:b\b.*FATAL/],
    ['one of them dies', group(both, { ...both, 'web:b': 'backoff' }), /^web:b\b.*pid 8\b.*BACKOFF/],
    ['one of them is restarted', group(both, both, { ...both, 'web:a': 'running 9' }), /^web:a\b.*pid 7\b.*9/],
  ])('fails where %s', (_, samples, detail) => {
    const verdict = judge(samples, WINDOW);
    expect(verdict).toMatchObject({ kind: 'failed', detail: expect.stringMatching(detail) as string });
  });
});

describe('a process that somebody stops meanwhile (invariant 7)', () => {
  const both = { 'web:a': 'running 7', 'web:b': 'running 8' };

  it.each<[string, readonly Sample[], RegExp]>([
    ['it is stopped', each('running 7', 'stopped'), /^app\b.*0\.3 s/],
    ['it is about to stop', each('running 7', 'running 7', 'stopping'), /^app\b.*0\.5 s/],
    ['one of a group is stopped', group(both, { ...both, 'web:b': 'stopped' }), /^web:b\b/],
    ['one of a group is taken out of the configuration', group(both, { 'web:a': 'running 7' }), /^web:b\b/],
  ])('has not failed: %s', (_, samples, detail) => {
    const verdict = judge(samples, WINDOW);
    expect(verdict).toEqual({ kind: 'stopped', detail: expect.stringMatching(detail) as string });
  });
});

describe('what an operator wanted of a service', () => {
  it.each<[ProcessState, string]>([
    ['running', 'running'],
    ['stopped', 'stopped'],
    ['exited', 'failing'],
    ['backoff', 'failing'],
    ['fatal', 'failing'],
    ['starting', 'unsettled'],
    ['stopping', 'unsettled'],
    ['unknown', 'unsettled'],
  ])('%s means %s (invariant 7)', (state, intent) => {
    expect(intentOf(state)).toBe(intent);
  });
});

describe('what the watch has seen', () => {
  it('is every change of state or pid, with its moment, for each process', () => {
    const samples = group(
      { app: 'starting 7', web: 'running 8' },
      { app: 'running 7', web: 'running 8' },
      { app: 'running 7', web: 'running 8' },
      { app: 'backoff', web: 'running 9' },
    );
    expect(statesSeen(samples).map(({ seconds, process, state, pid }) => [seconds, process, state, pid])).toEqual([
      [0, 'app', 'starting', 7],
      [0, 'web', 'running', 8],
      [0.5, 'app', 'running', 7],
      [1.5, 'app', 'backoff', undefined],
      [1.5, 'web', 'running', 9],
    ]);
  });

  it('is bounded, and its end is what is kept', () => {
    const samples = each(...Array.from({ length: 500 }, (_, pid) => `running ${pid}`));
    const states = statesSeen(samples);
    expect(states).toHaveLength(100);
    expect(states.at(-1)?.pid).toBe(499);
  });
});
