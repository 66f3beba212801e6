import { describe, expect, it } from 'vitest';
import type { MaintenanceWindow } from '../../src/domain/manifest.ts';
import type { ChangeReason, LeaveReason } from '../../src/domain/outcome.ts';
import type { Decision, Plan, PlannedBinary } from '../../src/domain/plan.ts';
import { type Restraint, restrain } from '../../src/planning/restrain.ts';
import { binary, entryOf, md5Of, NOW, present, releaseOf } from './builders.ts';

const MINUTE = NOW.getHours() * 60 + NOW.getMinutes();
/** By the clock of whatever zone the test is in. */
const OPEN: MaintenanceWindow = { text: 'open', spans: [{ days: [NOW.getDay()], from: MINUTE, to: MINUTE + 1 }] };
const CLOSED: MaintenanceWindow = {
  text: 'closed',
  spans: [{ days: [NOW.getDay()], from: MINUTE + 2, to: MINUTE + 3 }],
};

function change(reason: ChangeReason, window?: MaintenanceWindow): PlannedBinary {
  return {
    entry: entryOf('app', window === undefined ? {} : { window }),
    installed: [present(md5Of('old'))],
    decision: { kind: 'change', release: releaseOf(md5Of('new')), reason, files: [] },
  };
}

/** The decision on a binary that depends on another. */
function after(dependency: Decision, middle?: Decision): Decision | undefined {
  const one = (name: string, decision: Decision, ...dependsOn: readonly string[]): PlannedBinary => {
    return { entry: entryOf(name, { dependsOn: dependsOn.map(binary) }), installed: [], decision };
  };
  const { decision } = change('new-release');
  const chain = middle === undefined ? [] : [one('middle', middle, 'db')];
  const binaries = [one('api', decision, middle === undefined ? 'db' : 'middle'), ...chain, one('db', dependency)];
  const plan: Plan = { at: NOW.toISOString(), binaries, warnings: [], reports: 'unasked' };
  return restrain(plan, { now: NOW, windows: 'respect' }).binaries[0]?.decision;
}

function decided(one: PlannedBinary, windows: Restraint['windows'] = 'respect'): Decision | undefined {
  const plan: Plan = { at: NOW.toISOString(), binaries: [one], warnings: [], reports: 'unasked' };
  return restrain(plan, { now: NOW, windows }).binaries[0]?.decision;
}

describe('a change outside of its window', () => {
  it.each<ChangeReason>(['new-release', 'drifted'])('waits, and says until when: %s', (reason) => {
    const opens = new Date(NOW.getFullYear(), NOW.getMonth(), NOW.getDate(), 0, MINUTE + 2);
    expect(decided(change(reason, CLOSED))).toEqual({
      kind: 'leave',
      reason: 'waiting-for-window',
      release: releaseOf(md5Of('new')),
      detail: expect.stringMatching(/^waiting for its window \(closed\), opens \w{3} \d\d:\d\d$/) as string,
      until: opens.toISOString(),
    });
  });

  it('does not wait where nothing is there yet, nor with --now', () => {
    expect(decided(change('not-installed', CLOSED))).toMatchObject({ kind: 'change' });
    expect(decided(change('new-release', CLOSED), 'ignore')).toMatchObject({ kind: 'change' });
  });

  it('is no change where nothing would be changed', () => {
    const settled: PlannedBinary = {
      ...change('new-release', CLOSED),
      decision: { kind: 'up-to-date', release: releaseOf(md5Of('old')) },
    };
    expect(decided(settled)).toBe(settled.decision);
  });
});

describe('a change within its window, or without one', () => {
  it.each([OPEN, undefined])('is made (%#)', (window) => {
    expect(decided(change('new-release', window))).toMatchObject({ kind: 'change' });
  });
});

describe('a change of what depends on another', () => {
  const until = NOW.toISOString();
  const left = (reason: LeaveReason): Decision => ({ kind: 'leave', reason, detail: 'for a reason', until });
  const fail: Decision = { kind: 'fail', reason: 'no-such-release', detail: 'HTTP 404' };

  it.each<[string, Decision, string]>([
    ['failed here before', left('quarantined'), 'it is in quarantine'],
    ['is backing off', left('backing-off'), 'it is to be tried again later'],
    ['waits for its window', left('waiting-for-window'), 'it waits for its window'],
    ['cannot be judged', fail, 'it cannot be judged'],
  ])('waits while that one %s', (_, dependency, why) => {
    const waiting = {
      kind: 'leave',
      reason: 'waiting-for-dependency',
      detail: `waiting for db, which it depends on: ${why}`,
    };
    expect(after(dependency)).toMatchObject(waiting);
    expect(after(dependency, { kind: 'up-to-date', release: releaseOf(md5Of('x')) })).toMatchObject(waiting);
  });

  it.each<[string, Decision]>([
    ['is up to date', { kind: 'up-to-date', release: releaseOf(md5Of('x')) }],
    ['goes in before it', change('new-release').decision],
    ['is held', left('held')],
    ['was left by an operator', left('left-by-operator')],
  ])('does not wait where that one %s', (_, dependency) => {
    expect(after(dependency)).toMatchObject({ kind: 'change' });
  });
});
