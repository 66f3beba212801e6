import { describe, expect, it } from 'vitest';
import { digestFromText } from '../../src/domain/digest.ts';
import type { Installation } from '../../src/domain/installation.ts';
import type { Journal } from '../../src/domain/journal.ts';
import type { ManifestEntry } from '../../src/domain/manifest.ts';
import type { BinaryName, VersionName } from '../../src/domain/names.ts';
import { type BinaryRecord, emptyRecord } from '../../src/domain/record.ts';
import { type Remembered, standingOf } from '../../src/planning/standing.ts';

const NOW = new Date('2026-11-21T08:00:00Z');
const NAME = 'app' as BinaryName;
const [A, B] = ['md5:'.padEnd(36, 'a'), 'md5:'.padEnd(36, 'b')];
const SHA = 'sha256:'.padEnd(71, 'c');
const ENTRY: ManifestEntry = { name: NAME, version: 'latest' as VersionName, path: '/opt/app', services: [], keep: 3 };
const LATER = '2026-11-21T09:00:00.000Z';

function present(digest: string): Installation {
  const parsed = digestFromText(digest);
  if (parsed === undefined) throw new Error(digest);
  return { kind: 'present', digest: parsed, size: 1, realPath: '/opt/app' };
}

function record(outcome: 'updated' | 'failed' | 'rolled-back' | 'rollback-failed', more: Partial<BinaryRecord> = {}) {
  const active = { release: `${A} ${SHA}`, version: '1', since: '2026-11-21T07:00:00.000Z' };
  return { ...emptyRecord(NAME), active, last: { outcome, reason: 'x', detail: 'why', at: active.since }, ...more };
}

function journal(name: string): Journal {
  const change = {
    name: name as BinaryName,
    version: '2',
    release: B,
    reason: 'new-release',
    keep: 3,
    files: [],
  } as const;
  return {
    schema: 'bin-proxy/journal/1',
    run: 'r',
    startedAt: '2026-11-21T07:59:00.000Z',
    attempts: 0,
    changes: [change],
    services: [],
  };
}

const QUARANTINE = {
  release: B,
  version: '2',
  reason: 'did-not-start',
  detail: 'died',
  count: 2,
  since: '2026-11-21T07:00:00.000Z',
  until: LATER,
  companions: {},
} as const;
const BACKOFF = {
  release: B,
  reason: 'no-space',
  detail: 'full',
  count: 1,
  notBefore: '2026-11-21T08:30:00.000Z',
} as const;
const PROBATION = { journal: journal('app'), until: '2026-11-21T08:05:00.000Z', bootId: 'b', watched: [], restarts: 0 };

describe('how a binary stands', () => {
  it.each<[string, Partial<Remembered>, object]>([
    ['as found', {}, { state: 'as-found', detail: '' }],
    ['ok', { record: record('updated') }, { state: 'ok', detail: '' }],
    ['ok by its other name', { installed: present(SHA), record: record('updated') }, { state: 'ok' }],
    [
      'drifted',
      { installed: present(B), record: record('updated') },
      { state: 'drifted', detail: expect.stringContaining('found bbbbbbbb') },
    ],
    ['proving', { record: record('updated'), probations: [PROBATION] }, { state: 'proving', until: PROBATION.until }],
    [
      'past probation',
      { record: record('updated'), probations: [{ ...PROBATION, until: '2026-11-21T07:59:59.000Z' }] },
      { state: 'ok' },
    ],
    [
      "on another's probation",
      { record: record('updated'), probations: [{ ...PROBATION, journal: journal('web') }] },
      { state: 'ok' },
    ],
    [
      'quarantined, though the former one is still on probation',
      { record: record('rolled-back', { quarantine: [QUARANTINE] }), probations: [PROBATION] },
      { state: 'quarantined', until: LATER, detail: '2 failed here 2 times: died' },
    ],
    [
      'ok, whatever failed before the last success',
      { record: record('updated', { quarantine: [QUARANTINE] }) },
      { state: 'ok' },
    ],
    [
      'rolled back, once the time is up',
      { record: record('rolled-back', { quarantine: [{ ...QUARANTINE, until: '2026-11-21T07:30:00.000Z' }] }) },
      { state: 'rolled-back' },
    ],
    [
      'rolled back, where the clock was set back by years',
      { record: record('rolled-back', { quarantine: [{ ...QUARANTINE, until: '2036-01-01T00:00:00.000Z' }] }) },
      { state: 'rolled-back' },
    ],
    [
      'backing off',
      { record: record('failed', { backoff: BACKOFF }) },
      { state: 'backing-off', until: BACKOFF.notBefore, detail: 'full' },
    ],
    ['failed', { record: record('failed') }, { state: 'failed', detail: 'why' }],
    [
      'held before drifted',
      { entry: { ...ENTRY, hold: 'audit' }, installed: present(B), record: record('updated') },
      { state: 'held', detail: 'audit' },
    ],
    [
      'missing before held',
      { entry: { ...ENTRY, hold: 'audit' }, installed: { kind: 'absent' } },
      { state: 'missing' },
    ],
    [
      'unreadable',
      { installed: { kind: 'foreign', what: 'a directory' } },
      { state: 'unreadable', detail: 'expected a regular file at /opt/app, found a directory' },
    ],
    [
      'rollback failed before missing',
      { installed: { kind: 'absent' }, record: record('rollback-failed') },
      { state: 'rollback-failed' },
    ],
    [
      'unfinished before all',
      { installed: { kind: 'absent' }, record: record('rollback-failed'), journal: journal('app') },
      { state: 'unfinished' },
    ],
    ["not unfinished for another's journal", { journal: journal('web') }, { state: 'as-found' }],
  ])('is %s', (_name, seen, standing) => {
    expect(standingOf({ entry: ENTRY, installed: present(A), probations: [], ...seen }, NOW)).toMatchObject(standing);
  });
});
