import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/domain/plan.ts';
import type { Backoff, BinaryRecord, Quarantine } from '../../src/domain/record.ts';
import { releaseId } from '../../src/domain/release.ts';
import { decide, type Observed, type Policy } from '../../src/planning/decide.ts';
import { entryOf, md5Of, minutesFromNow, NOW, present, recordOf, releaseOf } from './builders.ts';

const OFFERED = releaseOf(md5Of('offered'));
const OTHER = releaseId(releaseOf(md5Of('another release')));

function quarantineOf(more: Partial<Quarantine> = {}): Quarantine {
  return {
    release: releaseId(OFFERED),
    version: '2',
    reason: 'did-not-stay-up',
    detail: 'app is FATAL',
    count: 1,
    since: minutesFromNow(-1),
    until: minutesFromNow(60),
    companions: {},
    ...more,
  };
}

function backoffOf(more: Partial<Backoff> = {}): Backoff {
  const detail = 'HTTP 503';
  return {
    release: releaseId(OFFERED),
    reason: 'download-failed',
    detail,
    count: 1,
    notBefore: minutesFromNow(5),
    ...more,
  };
}

function binaryWith(record: Partial<BinaryRecord>, name = 'app'): Observed {
  return {
    entry: entryOf(name),
    answer: { kind: 'offered', release: OFFERED },
    installed: [present(md5Of('installed'))],
    record: recordOf(name, record),
  };
}

function decided(record: Partial<BinaryRecord>, more: Partial<Policy> = {}): Decision | undefined {
  return decide([binaryWith(record)], { now: NOW, pastFailures: 'respect', ...more }).binaries[0]?.decision;
}

describe('a time that was set before the clock was put back', () => {
  const days = (count: number) => minutesFromNow(count * 24 * 60);

  it.each([
    [14, 'leave'],
    [15, 'change'],
  ])('a quarantine with %i days left, of at most fourteen: %s', (left, kind) => {
    expect(decided({ quarantine: [quarantineOf({ since: days(left - 1), until: days(left) })] })).toMatchObject({
      kind,
    });
  });

  it.each([
    [60, 'leave'],
    [61, 'change'],
  ])('a back-off with %i minutes left, of at most sixty: %s', (left, kind) => {
    expect(decided({ backoff: backoffOf({ notBefore: minutesFromNow(left) }) })).toMatchObject({ kind });
  });
});

describe('a release that failed here (invariant 5)', () => {
  it('is left alone while its quarantine lasts, with the reason and the time', () => {
    expect(decided({ quarantine: [quarantineOf()] })).toEqual({
      kind: 'leave',
      release: OFFERED,
      reason: 'quarantined',
      detail: 'failed here once: app is FATAL',
      until: minutesFromNow(60),
    });
  });

  it('says how often it failed', () => {
    const decision = decided({ quarantine: [quarantineOf({ count: 3 })] });
    expect(decision).toMatchObject({ detail: 'failed here 3 times: app is FATAL' });
  });

  it.each<[string, Partial<BinaryRecord>]>([
    ['its time is up', { quarantine: [quarantineOf({ until: minutesFromNow(-1) })] }],
    ['its time is up this very moment', { quarantine: [quarantineOf({ until: NOW.toISOString() })] }],
    ['another release failed, not this one', { quarantine: [quarantineOf({ release: OTHER })] }],
    ['the wait is over', { backoff: backoffOf({ notBefore: NOW.toISOString() }) }],
    ['another release waits, not this one', { backoff: backoffOf({ release: OTHER }) }],
    ['nothing failed', {}],
  ])('is tried where %s', (_, record) => {
    expect(decided(record)).toMatchObject({ kind: 'change', reason: 'new-release' });
  });

  it('is found among others in quarantine', () => {
    const decision = decided({ quarantine: [quarantineOf({ release: OTHER }), quarantineOf()] });
    expect(decision).toMatchObject({ kind: 'leave', reason: 'quarantined' });
  });

  it('waits after trouble that is not its own', () => {
    expect(decided({ backoff: backoffOf() })).toEqual({
      kind: 'leave',
      release: OFFERED,
      reason: 'backing-off',
      detail: 'HTTP 503',
      until: minutesFromNow(5),
    });
  });

  it('is tried at once under --force, in quarantine and in backoff', () => {
    const force = { pastFailures: 'ignore' } as const;
    expect(decided({ quarantine: [quarantineOf()] }, force)).toMatchObject({ kind: 'change' });
    expect(decided({ backoff: backoffOf() }, force)).toMatchObject({ kind: 'change' });
  });

  it('counts nothing against what is already installed', () => {
    const installed = [present(md5Of('offered'))];
    const one = { ...binaryWith({ quarantine: [quarantineOf()] }), installed };
    const plan = decide([one], { now: NOW, pastFailures: 'respect' });
    expect(plan.binaries[0]?.decision.kind).toBe('up-to-date');
  });
});

describe('a release that failed together with others', () => {
  const companion = (word: string): Observed => ({
    entry: entryOf('helper'),
    answer: { kind: 'offered', release: releaseOf(md5Of(word)) },
    installed: [present(md5Of('old helper'))],
  });
  const record = { quarantine: [quarantineOf({ companions: { helper: releaseId(releaseOf(md5Of('bad helper'))) } })] };
  const decisionBeside = (...others: readonly Observed[]) =>
    decide([binaryWith(record), ...others], { now: NOW, pastFailures: 'respect' }).binaries[0]?.decision;

  it('stays in quarantine while each companion is still offered', () => {
    expect(decisionBeside(companion('bad helper'))).toMatchObject({ kind: 'leave', reason: 'quarantined' });
  });

  it('is tried again as soon as a companion is offered in another release: that one may have been the bad one', () => {
    expect(decisionBeside(companion('mended helper'))).toMatchObject({ kind: 'change' });
  });

  it('stays in quarantine where nobody knows what the companion is offered as', () => {
    expect(decisionBeside()).toMatchObject({ kind: 'leave', reason: 'quarantined' });
    const away: Observed = { ...companion('x'), answer: { kind: 'not-asked' } };
    expect(decisionBeside(away)).toMatchObject({ kind: 'leave', reason: 'quarantined' });
  });
});
