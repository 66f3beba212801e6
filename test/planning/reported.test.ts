import { describe, expect, it } from 'vitest';
import { type Digest, digestText } from '../../src/domain/digest.ts';
import type { VersionName } from '../../src/domain/names.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import type { BinaryRecord } from '../../src/domain/record.ts';
import type { ReportedBinary } from '../../src/domain/reported.ts';
import { reasonText, reportedBinary, runningAfter } from '../../src/planning/reported.ts';
import { binary, md5Of, recordOf, sha256Of } from './builders.ts';

const name = binary('app');
const [old, next] = [sha256Of('old'), sha256Of('next')];
const [from, to] = [digestText(old), digestText(next)];
const AT = '2030-05-06T07:00:00.000Z';
const detail = 'it died';

const upToDate: Outcome = {
  name,
  outcome: 'up-to-date',
  reason: 'up-to-date',
  detail: 'up to date',
  from: to,
  to,
  version: '2',
};
const updated: Outcome = {
  ...{ name, outcome: 'updated', reason: 'new-release', detail: 'proven to run' },
  ...{ from, to, version: '2', service: 'restarted', seconds: 7 },
};
const failed: Outcome = { name, outcome: 'failed', reason: 'download-failed', detail, from, to, version: '2' };
const rolledBack: Outcome = { ...failed, outcome: 'rolled-back', reason: 'did-not-stay-up' };
const stuck: Outcome = { ...failed, outcome: 'rollback-failed', reason: 'did-not-start', rollbackDetail: 'no backup' };
const held: Outcome = { name, outcome: 'held', reason: 'held', detail: 'wait for Ana', from };
const quarantined: Outcome = { ...held, reason: 'quarantined', detail: 'failed here once: it died', to, version: '2' };
const backingOff: Outcome = { ...quarantined, reason: 'backing-off' };

/** `release` was proven as version 1, and `to` failed since. */
function recordWith(release: string, last: NonNullable<BinaryRecord['last']>['outcome'] = 'updated'): BinaryRecord {
  const story = { reason: 'did-not-stay-up', detail } as const;
  return recordOf('app', {
    active: { release, version: '1', since: '2030-01-01T00:00:00.000Z' },
    quarantine: [{ release: to, version: '2', ...story, count: 1, since: AT, until: AT, companions: {} }],
    backoff: { release: to, reason: 'no-space', detail: 'the disk is full', count: 1, notBefore: AT },
    last: { outcome: last, ...story, at: AT },
  });
}

function told(outcome: Outcome, record?: BinaryRecord, probation: 'under-way' | 'none' = 'none'): ReportedBinary {
  return reportedBinary({ outcome, record, probation });
}

const running = (version: string | undefined, ...digests: readonly [Digest, ...Digest[]]) => ({
  digests,
  ...(version !== undefined && { version }),
});

describe('what is told of a binary', () => {
  const cases: readonly (readonly [string, ReportedBinary, Omit<ReportedBinary, 'name'>])[] = [
    ['up to date', told(upToDate), { state: 'ok', running: running('2', next) }],
    [
      'up to date, and proven here',
      told(upToDate, recordWith(to)),
      { state: 'ok', running: running('2', next), since: '2030-01-01T00:00:00.000Z' },
    ],
    [
      'up to date, on probation',
      told(upToDate, undefined, 'under-way'),
      { state: 'proving', running: running('2', next) },
    ],
    ['updated', told(updated), { state: 'ok', running: running('2', next) }],
    [
      'updated, with all digests of what was proven',
      told(updated, recordWith(`${to} ${digestText(md5Of('next'))}`), 'under-way'),
      { state: 'proving', running: running('2', next, md5Of('next')), since: '2030-01-01T00:00:00.000Z' },
    ],
    [
      'failed, with what runs on',
      told(failed, recordWith(from, 'failed')),
      { state: 'failed', running: running('1', old), since: AT, reason: 'download-failed: it died' },
    ],
    [
      'failed, with a file that nobody has proven',
      told(failed, recordWith(to)),
      { state: 'failed', running: running(undefined, old), reason: 'download-failed: it died' },
    ],
    [
      'not installed',
      told({ name, outcome: 'failed', reason: 'no-such-release', detail }),
      { state: 'missing', reason: 'no-such-release: it died' },
    ],
    [
      'something else in its place',
      told({ name, outcome: 'failed', reason: 'foreign-target', detail }),
      { state: 'failed', reason: 'foreign-target: it died' },
    ],
    [
      'rolled back',
      told(rolledBack, recordWith(from, 'rolled-back')),
      { state: 'rolled-back', running: running('1', old), since: AT, reason: 'did-not-stay-up: it died' },
    ],
    [
      'not brought back: nobody knows what runs',
      told(stuck, recordWith(from, 'rollback-failed')),
      { state: 'rollback-failed', since: AT, reason: 'did-not-start: it died; no backup' },
    ],
    ['held', told(held, recordWith(to)), { state: 'held', running: running(undefined, old), reason: 'wait for Ana' }],
    [
      'in quarantine',
      told(quarantined, recordWith(from, 'rolled-back')),
      { state: 'quarantined', running: running('1', old), since: AT, reason: 'did-not-stay-up: it died' },
    ],
    [
      'in quarantine, and in need of a person',
      told(quarantined, recordWith(from, 'rollback-failed')),
      { state: 'rollback-failed', running: running('1', old), since: AT, reason: 'did-not-stay-up: it died' },
    ],
    [
      'waiting after a failure',
      told(backingOff, recordWith(from, 'failed')),
      { state: 'failed', running: running('1', old), since: AT, reason: 'no-space: the disk is full' },
    ],
    [
      'waiting after a rollback that was not the fault of the release',
      told(backingOff, recordWith(from, 'rolled-back')),
      { state: 'rolled-back', running: running('1', old), since: AT, reason: 'no-space: the disk is full' },
    ],
    [
      'in quarantine, with a record that is gone',
      told(quarantined),
      { state: 'quarantined', running: running(undefined, old), reason: 'quarantined' },
    ],
  ];
  it.each(cases)('%s', (_, { wanted: __, ...found }, expected) => {
    expect(found).toEqual({ name, ...expected });
  });

  it('has what it follows, and what was offered for that with all digests that are known', () => {
    const follows = 'beta' as VersionName;
    const wanted = (outcome: Outcome, record?: BinaryRecord) =>
      reportedBinary({ outcome, record, probation: 'none', follows }).wanted;
    expect(reportedBinary({ outcome: failed, probation: 'none', follows }).follows).toBe('beta');
    for (const outcome of [upToDate, updated, failed, quarantined]) expect(wanted(outcome)).toEqual(running('2', next));
    const proven = recordWith(`${to} ${digestText(md5Of('next'))}`);
    expect(wanted(upToDate, proven)).toEqual(running('2', next, md5Of('next')));
    // Neither is a word of the server.
    expect(wanted({ ...updated, reason: 'operator-rollback' })).toBeUndefined();
    expect(wanted(held)).toBeUndefined();
  });

  it('holds nothing that a check has printed (invariant 14)', () => {
    const printed = 'the check "app --version" exited with 1, saying "password hunter2"';
    expect(told({ ...failed, reason: 'check-failed', detail: printed }).reason).toBe('check-failed');
    const quarantine = recordWith(from).quarantine.map((one) => ({
      ...one,
      reason: 'check-failed' as const,
      detail: printed,
    }));
    const outcome = { ...quarantined, detail: `failed here once: ${printed}` };
    expect(told(outcome, { ...recordWith(from), quarantine }).reason).toBe('check-failed');
    expect(JSON.stringify(told(outcome))).not.toContain('hunter2');
  });

  it('is as short as a table needs it', () => {
    expect(reasonText({ reason: 'no-space', detail: 'x'.repeat(999) })).toMatch(/^no-space: x{289}…$/);
    expect(told({ ...held, detail: 'x'.repeat(999) }).reason).toHaveLength(300);
  });

  it('says of a release of several files nothing that is no digest', () => {
    expect(runningAfter({ ...updated, to: `${to}+${from}` }, undefined)).toBeUndefined();
  });
});
