import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Journal } from '../../src/domain/journal.ts';
import { type BinaryName, isBinaryName } from '../../src/domain/names.ts';
import { type BinaryRecord, emptyRecord } from '../../src/domain/record.ts';
import { History } from '../../src/store/history.ts';
import { JournalStore } from '../../src/store/journal-file.ts';
import { readStateFile } from '../../src/store/json-file.ts';
import { RecordStore } from '../../src/store/records.ts';
import { folder } from './folder.ts';

const NOW = new Date('2030-05-06T07:08:09.123Z');

function named(text: string): BinaryName {
  if (!isBinaryName(text)) throw new Error(`not a binary name: ${text}`);
  return text;
}

const APP = named('app');
const QUARANTINE = {
  release: 'md5:bad',
  version: '2',
  reason: 'did-not-stay-up',
  detail: 'FATAL',
  count: 2,
  since: NOW.toISOString(),
  until: NOW.toISOString(),
  companions: { other: 'md5:x' },
} as const;
const BACKOFF = {
  release: 'md5:bad',
  reason: 'no-space',
  detail: 'full',
  count: 1,
  notBefore: NOW.toISOString(),
} as const;

describe('a state file', () => {
  const place = folder();
  const anything = (value: unknown) => value;

  it('that is not there is absent, also where its directory is not', async () => {
    expect(await readStateFile(place.path('none.json'), anything)).toEqual({ kind: 'absent' });
    expect(await readStateFile(place.path('no', 'where.json'), anything)).toEqual({ kind: 'absent' });
  });

  it.each([
    ['empty', ''],
    ['cut off', '{"schema":"x","a":[1,2'],
    ['zeroes, as a power cut leaves them', '\0'.repeat(64)],
    ['something else', '<html>'],
  ])('that is %s is damaged, with the reason', async (_, text) => {
    writeFileSync(place.path('s.json'), text);
    expect(await readStateFile(place.path('s.json'), anything)).toEqual({
      kind: 'damaged',
      why: expect.stringMatching(/JSON/) as string,
    });
  });

  it('that nobody understands is damaged', async () => {
    writeFileSync(place.path('s.json'), '{"schema":"bin-proxy/record/99"}');
    const read = await readStateFile(place.path('s.json'), () => undefined);
    expect(read).toEqual({ kind: 'damaged', why: 'not in a known format' });
  });

  it('that is a directory is damaged: it never blocks an update', async () => {
    mkdirSync(place.path('s.json'));
    expect(await readStateFile(place.path('s.json'), anything)).toMatchObject({ kind: 'damaged' });
  });
});

describe('the records', () => {
  const place = folder();
  const store = () => new RecordStore(place.path());
  const file = (name: string) => place.path('binaries', `${name}.json`);
  const write = (name: string, value: unknown) => {
    mkdirSync(place.path('binaries'), { recursive: true });
    writeFileSync(file(name), typeof value === 'string' ? value : JSON.stringify(value));
  };

  it('of a new host are none, and reading them makes nothing', async () => {
    const { byName, damaged } = await store().read([APP]);
    expect([byName.size, damaged.size, readdirSync(place.path())]).toEqual([0, 0, []]);
  });

  it('come back as they were written', async () => {
    const record: BinaryRecord = {
      ...emptyRecord(APP),
      active: { release: 'md5:good', version: '1', since: NOW.toISOString() },
      quarantine: [QUARANTINE],
      backoff: BACKOFF,
      leftDown: ['web:app'],
    };
    mkdirSync(place.path('binaries'));
    await store().update(APP, NOW, () => record);
    expect((await store().read([APP, named('other')])).byName).toEqual(new Map([[APP, record]]));
    expect(statSync(file('app')).mode & 0o777).toBe(0o600);
  });

  it('are not written where nothing changes', async () => {
    await store().update(APP, NOW, (record) => record);
    expect(existsSync(file('app'))).toBe(false);
  });

  it.each<[string, unknown]>([
    ['empty', ''],
    ['of a later version', { ...emptyRecord(APP), schema: 'bin-proxy/record/2' }],
    ['of another binary', emptyRecord(named('other'))],
    ['without a quarantine list', { schema: 'bin-proxy/record/1', name: 'app' }],
    ['with nothing in quarantine', { ...emptyRecord(APP), quarantine: [null] }],
    ['with a quarantine that never ends', { ...emptyRecord(APP), quarantine: [{ ...QUARANTINE, until: 'never' }] }],
    [
      'with companions that are no releases',
      { ...emptyRecord(APP), quarantine: [{ ...QUARANTINE, companions: { a: 1 } }] },
    ],
    ['with a wait that never ends', { ...emptyRecord(APP), backoff: { ...BACKOFF, notBefore: undefined } }],
    ['with no list of what is left down', { ...emptyRecord(APP), leftDown: 'app' }],
  ])('that are damaged are reported, and the others are read: %s', async (_, value) => {
    write('app', value);
    write('other', emptyRecord(named('other')));
    const { byName, damaged } = await store().read([APP, named('other')]);
    expect([...byName.keys()]).toEqual(['other']);
    expect([...damaged.keys()]).toEqual(['app']);
  });

  it('that are damaged are kept aside and begun anew at the next change', async () => {
    write('app', 'rubbish');
    await store().update(APP, NOW, (record) => ({ ...record, leftDown: ['app'] }));
    expect(readdirSync(place.path('binaries')).toSorted()).toEqual([
      'app.json',
      'app.json.damaged-2030-05-06T070809123Z',
    ]);
    expect(readFileSync(`${file('app')}.damaged-2030-05-06T070809123Z`, 'utf8')).toBe('rubbish');
    expect((await store().read([APP])).byName.get(APP)).toEqual({ ...emptyRecord(APP), leftDown: ['app'] });
  });
});

describe('the journal (invariant 4)', () => {
  const place = folder();
  const store = () => new JournalStore(place.path());
  const journal: Journal = {
    schema: 'bin-proxy/journal/1',
    run: 'cafe',
    startedAt: NOW.toISOString(),
    attempts: 0,
    changes: [
      {
        name: APP,
        version: '2',
        release: 'md5:new',
        reason: 'new-release',
        keep: 3,
        files: [{ target: '/t', staged: '/s', next: 'md5:new', former: { digest: 'md5:old', backup: '/b' } }],
      },
    ],
    services: [
      {
        service: 'app' as Journal['services'][number]['service'],
        targets: ['/t'],
        processes: [{ process: 'app', before: 'running', executed: 'target', pid: 7, startTime: '700' }],
      },
    ],
  };

  it('comes back as it was written, and is gone when it is removed', async () => {
    await store().write(journal);
    expect(await store().read()).toEqual({ kind: 'read', value: journal });
    await store().remove();
    expect(await store().read()).toEqual({ kind: 'absent' });
    await store().remove();
  });

  it('replaces its former self', async () => {
    await store().write(journal);
    const failed = { reason: 'did-not-start', fault: 'release', detail: 'FATAL' } as const;
    await store().write({ ...journal, attempts: 1, failed });
    expect(await store().read()).toMatchObject({ value: { attempts: 1, failed } });
    expect(readdirSync(place.path())).toEqual(['journal.json']);
  });

  it.each<[string, unknown]>([
    ['empty', ''],
    ['of a later version', { ...journal, schema: 'bin-proxy/journal/2' }],
    ['with no changes', { ...journal, changes: undefined }],
    ['with a change that is none', { ...journal, changes: [null] }],
    ['with a file that is none', { ...journal, changes: [{ ...journal.changes[0], files: [{ target: '/t' }] }] }],
    ['with a service that is none', { ...journal, services: ['app'] }],
    ['with a failure that is none', { ...journal, failed: true }],
    ['with a boot that is none', { ...journal, bootId: 7 }],
    ['with no number of attempts', { ...journal, attempts: '1' }],
  ])('that is damaged says so and can be kept aside: %s', async (_, value) => {
    writeFileSync(place.path('journal.json'), typeof value === 'string' ? value : JSON.stringify(value));
    expect(await store().read()).toMatchObject({ kind: 'damaged' });
    const aside = await store().moveAside(NOW);
    expect(aside).toBe(place.path('journal.json.damaged-2030-05-06T070809123Z'));
    expect([existsSync(aside), await store().read()]).toEqual([true, { kind: 'absent' }]);
  });
});

describe('the history', () => {
  const place = folder();

  it('gets a line for each change, and keeps those there are', async () => {
    const line = {
      at: NOW.toISOString(),
      run: 'cafe',
      outcome: 'updated',
      reason: 'new-release',
      detail: 'a\nb',
      version: '2',
      to: 'md5:x',
      seconds: 1,
    };
    const history = new History(place.path());
    await history.add({ ...line, name: 'a' });
    await history.add({ ...line, name: 'b', from: 'md5:w' });
    const lines = readFileSync(place.path('history.jsonl'), 'utf8').split('\n');
    expect(lines).toHaveLength(3);
    expect(lines.slice(0, 2).map((text) => JSON.parse(text) as unknown)).toEqual([
      { ...line, name: 'a' },
      { ...line, name: 'b', from: 'md5:w' },
    ]);
  });
});
