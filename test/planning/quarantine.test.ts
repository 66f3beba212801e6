import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/domain/errors.ts';
import type { BinaryRecord } from '../../src/domain/record.ts';
import { type FailedTry, faultFromControl, forgive, remember } from '../../src/planning/quarantine.ts';
import { minutesFromNow, NOW, recordOf } from './builders.ts';

const HOUR = 60;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

function failed(fault: Fault, more: Partial<FailedTry> = {}): FailedTry {
  return {
    release: 'md5:bad',
    version: '2',
    reason: 'did-not-stay-up',
    detail: 'FATAL',
    fault,
    companions: {},
    ...more,
  };
}

/** The record after so many failures of one kind, each remembered at the same moment. */
function recordAfter(failures: number, fault: Fault, more: Partial<FailedTry> = {}): BinaryRecord {
  let record = recordOf('app');
  for (let i = 0; i < failures; i++) record = remember(record, failed(fault, more), NOW);
  return record;
}

describe("a release's own failure (invariant 5)", () => {
  it.each([
    [1, '8 hours', 8 * HOUR],
    [2, '12 hours', 12 * HOUR],
    [3, '1 day', DAY],
    [4, '2 days', 2 * DAY],
    [5, '4 days', 4 * DAY],
    [6, '1 week', WEEK],
    [7, '2 weeks', 2 * WEEK],
    [8, '2 weeks', 2 * WEEK],
    [20, '2 weeks', 2 * WEEK],
  ])('number %i keeps it out for %s', (count, _, minutes) => {
    const { quarantine, backoff } = recordAfter(count, 'release');
    expect(quarantine).toEqual([
      {
        release: 'md5:bad',
        version: '2',
        reason: 'did-not-stay-up',
        detail: 'FATAL',
        count,
        since: NOW.toISOString(),
        until: minutesFromNow(minutes),
        companions: {},
      },
    ]);
    expect(backoff).toBeUndefined();
  });

  it('is counted for each release on its own, the newest first', () => {
    const first = recordAfter(2, 'release');
    const { quarantine } = remember(first, failed('release', { release: 'md5:other' }), NOW);
    expect(quarantine.map(({ release, count }) => [release, count])).toEqual([
      ['md5:other', 1],
      ['md5:bad', 2],
    ]);
  });

  it('moves a release that fails again to the front', () => {
    const two = remember(recordAfter(1, 'release'), failed('release', { release: 'md5:other' }), NOW);
    const { quarantine } = remember(two, failed('release'), NOW);
    expect(quarantine.map(({ release }) => release)).toEqual(['md5:bad', 'md5:other']);
  });

  it('is remembered for at most eight releases: the oldest is forgotten', () => {
    let record = recordOf('app');
    for (let i = 1; i <= 10; i++) record = remember(record, failed('release', { release: `md5:${i}` }), NOW);
    const kept = ['md5:10', 'md5:9', 'md5:8', 'md5:7', 'md5:6', 'md5:5', 'md5:4', 'md5:3'];
    expect(record.quarantine.map(({ release }) => release)).toEqual(kept);
  });

  it('remembers with which others it went live', () => {
    const { quarantine } = recordAfter(1, 'release', { companions: { helper: 'md5:h' } });
    expect(quarantine[0]?.companions).toEqual({ helper: 'md5:h' });
  });

  it('ends a wait that was under way', () => {
    const record = remember(recordAfter(3, 'transfer'), failed('release'), NOW);
    expect('backoff' in record).toBe(false);
  });
});

describe('trouble that is not the fault of the release (invariant 5)', () => {
  it.each<[Fault, number, number]>([
    ['host', 1, 5],
    ['host', 2, 10],
    ['host', 3, 20],
    ['host', 4, 40],
    ['host', 5, 60],
    ['host', 12, 60],
    ['transfer', 1, 0],
    ['transfer', 2, 1],
    ['transfer', 3, 2],
    ['transfer', 4, 5],
    ['transfer', 5, 10],
    ['transfer', 6, 30],
    ['transfer', 7, 60],
    ['transfer', 50, 60],
  ])('of the %s, number %i, makes it wait %i minutes and nothing worse', (fault, count, minutes) => {
    const { backoff, quarantine } = recordAfter(count, fault);
    const notBefore = minutesFromNow(minutes);
    expect(backoff).toEqual({ release: 'md5:bad', reason: 'did-not-stay-up', detail: 'FATAL', count, notBefore });
    expect(quarantine).toEqual([]);
  });

  it('begins to count anew for another release', () => {
    const { backoff } = remember(recordAfter(4, 'transfer'), failed('transfer', { release: 'md5:other' }), NOW);
    expect(backoff).toMatchObject({ release: 'md5:other', count: 1, notBefore: minutesFromNow(0) });
  });

  it.each<Fault>(['host', 'transfer'])('of the %s leaves an earlier quarantine as it is', (fault) => {
    const before = recordAfter(2, 'release');
    expect(remember(before, failed(fault), NOW).quarantine).toEqual(before.quarantine);
  });

  it('of the setup remembers nothing: the operator is waited for, and looked for again every tick', () => {
    const record = recordOf('app');
    expect(remember(record, failed('setup'), NOW)).toBe(record);
  });
});

describe('what the former version proves about the new one (invariant 5)', () => {
  it('blames the release where the former one is healthy under the same probe', () => {
    expect(faultFromControl({ kind: 'healthy' })).toBe('release');
  });

  it('blames the host where the former one fails it too', () => {
    expect(faultFromControl({ kind: 'unhealthy', detail: 'also FATAL' })).toBe('host');
  });

  it('blames the release where there is no former one to compare with', () => {
    expect(faultFromControl({ kind: 'none' })).toBe('release');
  });
});

describe('a success', () => {
  it('holds nothing against the release that succeeded, and keeps what others did', () => {
    const both = remember(recordAfter(2, 'release'), failed('release', { release: 'md5:other' }), NOW);
    expect(forgive(both, 'md5:bad').quarantine.map(({ release }) => release)).toEqual(['md5:other']);
  });

  it('ends every wait, and what was left down is up again', () => {
    const record = { ...recordAfter(2, 'host'), leftDown: ['app'] };
    const forgiven = forgive(record, 'md5:new');
    expect('backoff' in forgiven).toBe(false);
    expect('leftDown' in forgiven).toBe(false);
  });

  it('leaves the record it was given as it is', () => {
    const record = recordAfter(1, 'release');
    const before = structuredClone(record);
    forgive(record, 'md5:bad');
    remember(record, failed('host'), NOW);
    expect(record).toEqual(before);
  });
});
