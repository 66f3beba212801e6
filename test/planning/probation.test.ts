import { describe, expect, it } from 'vitest';
import type { Journal } from '../../src/domain/journal.ts';
import type { Probation } from '../../src/domain/probation.ts';
import type { ProcessSample, ProcessState } from '../../src/planning/health.ts';
import { asksHealth, judgeHealth, judgeProbation } from '../../src/planning/probation.ts';
import { minutesFromNow, NOW } from './builders.ts';

const JOURNAL: Journal = {
  schema: 'bin-proxy/journal/1',
  run: 'cafe',
  startedAt: NOW.toISOString(),
  attempts: 0,
  changes: [],
  services: [],
};
const APP = { process: 'app', pid: 7, startTime: '700' };
const RUNNING: ProcessSample = { ...APP, state: 'running', detail: '' };

function probationOf(more: Partial<Probation> = {}): Probation {
  return { journal: JOURNAL, until: minutesFromNow(5), bootId: 'boot', watched: [APP], restarts: 0, ...more };
}

function judged(samples: readonly ProcessSample[], more: Partial<Probation> = {}, bootId = 'boot') {
  return judgeProbation(probationOf(more), { now: NOW, bootId, samples });
}

function down(state: ProcessState, process = 'app'): ProcessSample {
  return { process, state, detail: 'in its own words' };
}

describe('a release on probation', () => {
  it('goes on while its process is the one that was proven', () => {
    expect(judged([RUNNING])).toEqual({ kind: 'goes-on', probation: probationOf() });
  });

  it.each([0, -1])('has passed when its time is up, %i minutes from now', (minutes) => {
    expect(judged([RUNNING], { until: minutesFromNow(minutes) })).toEqual({ kind: 'passed' });
  });

  it.each([
    ['a little longer than it ever was', 9, 'goes-on'],
    ['years', 60 * 24 * 365 * 10, 'passed'],
  ])('that seems to last %s, because the clock was set back: it %s', (_, minutes, kind) => {
    // Begun and ended by the clock of that time.
    const journal = { ...JOURNAL, startedAt: minutesFromNow(minutes - 5) };
    expect(judged([RUNNING], { journal, until: minutesFromNow(minutes) })).toMatchObject({ kind });
  });

  it('counts a process that is another one now, and watches that one', () => {
    const now = { ...APP, pid: 8, startTime: '800' };
    const probation = probationOf({ watched: [now], restarts: 1 });
    expect(judged([{ ...RUNNING, ...now }])).toEqual({ kind: 'goes-on', probation });
  });

  it('knows the same pid with another start time for another process', () => {
    const verdict = judged([{ ...RUNNING, startTime: '701' }]);
    expect(verdict).toMatchObject({ kind: 'goes-on', probation: { restarts: 1 } });
  });

  it('has failed when three ticks have each found another process', () => {
    const verdict = judged([{ ...RUNNING, pid: 9, startTime: '900' }], { restarts: 2 });
    expect(verdict).toEqual({
      kind: 'failed',
      reason: 'did-not-stay-up',
      detail: expect.stringMatching(/^app: .*3 times/) as string,
      stopped: [],
    });
  });

  it.each<ProcessState>(['fatal', 'backoff', 'exited'])('has failed when its process is %s', (state) => {
    const detail = expect.stringContaining(`app: ${state.toUpperCase()} (in its own words)`) as string;
    expect(judged([down(state)])).toEqual({ kind: 'failed', reason: 'did-not-stay-up', detail, stopped: [] });
  });

  it('has failed also where its time is up: what is down is down', () => {
    expect(judged([down('fatal')], { until: minutesFromNow(-1) })).toMatchObject({ kind: 'failed' });
  });

  it.each<ProcessState>(['starting', 'stopping', 'unknown'])(
    'is looked at again by the next tick while it is %s',
    (state) => {
      expect(judged([down(state)])).toEqual({ kind: 'goes-on', probation: probationOf() });
    },
  );
});

describe('what somebody else did to a process on probation (invariant 7)', () => {
  it('stopping it ends the watch', () => {
    expect(judged([down('stopped')])).toEqual({ kind: 'passed' });
  });

  it('taking it out of the configuration ends the watch', () => {
    expect(judged([])).toEqual({ kind: 'passed' });
  });

  it('stopping one of several leaves the others watched', () => {
    const helper = { process: 'helper', pid: 8, startTime: '800' };
    const verdict = judged([RUNNING, down('stopped', 'helper')], { watched: [APP, helper] });
    expect(verdict).toMatchObject({ kind: 'goes-on', probation: { watched: [APP], restarts: 0 } });
  });

  it('is remembered where another of them failed: what was stopped stays stopped', () => {
    const helper = { process: 'helper', pid: 8, startTime: '800' };
    const verdict = judged([down('fatal'), down('stopped', 'helper')], { watched: [APP, helper] });
    expect(verdict).toMatchObject({ kind: 'failed', stopped: ['helper'] });
  });

  it('is remembered also where an earlier tick has ended the watch over it', () => {
    expect(judged([down('fatal'), down('stopped', 'helper')])).toMatchObject({ kind: 'failed', stopped: ['helper'] });
    const restarted = { ...RUNNING, pid: 9, startTime: '900' };
    const verdict = judged([restarted, down('stopped', 'helper')], { restarts: 2 });
    expect(verdict).toMatchObject({ kind: 'failed', stopped: ['helper'] });
  });

  it('is remembered where its health takes the release back', () => {
    const verdict = judgeHealth(probationOf({ unwell: 2 }), 'app: bad', [RUNNING, down('stopped', 'helper')]);
    expect(verdict).toMatchObject({ kind: 'failed', reason: 'unhealthy', stopped: ['helper'] });
  });
});

describe("a reboot is nobody's fault (invariant 5)", () => {
  it('new processes are not counted as restarts, and are watched from now on', () => {
    const now = { ...APP, pid: 70, startTime: '7' };
    const probation = probationOf({ bootId: 'next', rebooted: true, watched: [now], restarts: 2 });
    expect(judged([{ ...RUNNING, ...now }], { restarts: 2 }, 'next')).toEqual({ kind: 'goes-on', probation });
  });

  it('a process that has not come up yet is not held against the release', () => {
    expect(judged([down('fatal')], {}, 'next').kind).not.toBe('failed');
  });

  it('its health is not asked at the end: it may still warm up', () => {
    expect(asksHealth(probationOf(), 'boot')).toBe(true);
    expect(asksHealth(probationOf(), 'next')).toBe(false);
    const verdict = judged([RUNNING], {}, 'next');
    expect(verdict.kind === 'goes-on' && asksHealth(verdict.probation, 'next')).toBe(false);
    expect(verdict).toMatchObject({ kind: 'goes-on', probation: { bootId: 'next', rebooted: true } });
  });
});

describe('the health of a release whose probation is over', () => {
  it('has it pass where it is good, however often it was bad', () => {
    expect(judgeHealth(probationOf({ unwell: 2 }), undefined, [RUNNING])).toEqual({ kind: 'passed' });
  });

  it('has it go on twice where it is bad, and then fail', () => {
    const first = judgeHealth(probationOf(), 'app: bad', [RUNNING]);
    expect(first).toEqual({ kind: 'goes-on', probation: probationOf({ unwell: 1 }) });
    expect(judgeHealth(probationOf({ unwell: 1 }), 'app: bad', [RUNNING])).toMatchObject({ probation: { unwell: 2 } });
    expect(judgeHealth(probationOf({ unwell: 2 }), 'app: bad', [RUNNING])).toEqual({
      kind: 'failed',
      reason: 'unhealthy',
      detail: 'app: bad at the end of its probation (seen 3 times)',
      stopped: [],
    });
  });
});
