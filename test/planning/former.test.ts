import { describe, expect, it } from 'vitest';
import type { JournalChange } from '../../src/domain/journal.ts';
import type { BinaryRecord } from '../../src/domain/record.ts';
import { decide } from '../../src/planning/decide.ts';
import { choose, type KeptFile, keptVersions, remembered, stayed } from '../../src/planning/former.ts';
import { liftPast } from '../../src/planning/retry.ts';
import { binary, entryOf, md5Of, minutesFromNow, NOW, present, recordOf, releaseOf } from './builders.ts';

const id = (word: string) => `md5:${md5Of(word).hex}`;
const AT = NOW.toISOString();

/** A proof of one version after another, as `commit` remembers it. */
function proven(record: BinaryRecord, from: string, to: string, more: Partial<JournalChange> = {}): BinaryRecord {
  const change = {
    name: binary('app'),
    version: to,
    release: id(to),
    reason: 'new-release',
    keep: 3,
    files: [],
    from: id(from),
    ...more,
  } as const;
  return { ...remembered(record, change, AT), active: { release: id(to), version: to, since: AT } };
}

const leaves = (word: string) => [{ release: id(word), by: 'alice', at: AT }];
const goneBack = { reason: 'operator-rollback' } as const;

function file(word: string, kind: KeptFile['kind'] = 'backup', changedMs = 0): KeptFile {
  return { path: `/kept/${word}`, digest: md5Of(word), size: 1, kind, changedMs };
}

const three = proven(proven(recordOf('app'), 'found', '1'), '1', '2');
const wanted = (record: BinaryRecord, files: readonly KeptFile[], to?: string) => {
  const choice = choose(keptVersions(files, record, NOW), to);
  return choice.kind === 'chosen' ? choice.kept.path : choice.kind;
};

describe('the former versions of a binary', () => {
  it('are remembered by name as far as anybody knows it, newest first, and no less after a second commit', () => {
    const former = [
      { release: id('1'), version: '1', until: AT },
      { release: id('found'), until: AT },
    ];
    expect(three.former).toEqual(former);
    expect(proven(three, '1', '2').former).toEqual(former);
  });

  it.each<[string, string | undefined, string]>([
    ['what ran before', undefined, '/kept/1'],
    ['a version', '1', '/kept/1'],
    ['a digest', md5Of('found').hex.slice(0, 5), '/kept/found'],
    ['a digest in capitals', `MD5:${md5Of('1').hex.toUpperCase()}`, '/kept/1'],
    ['what was found', 'factory', '/kept/found'],
    ['too few digits', md5Of('1').hex.slice(0, 3), 'none'],
    ['another version', '9', 'none'],
  ])('are chosen by %s', (_, to, path) => {
    expect(wanted(three, [file('found', 'factory', 5), file('1')], to)).toBe(path);
  });

  it('are not guessed at where one name means several', () => {
    const record = proven(three, '2', '3');
    const latest = { ...record, former: (record.former ?? []).map((one) => ({ ...one, version: 'latest' })) };
    expect(wanted(latest, [file('1'), file('2')], 'latest')).toBe('several');
    expect(wanted(latest, [file('1'), file('1', 'factory')], 'latest')).toBe('/kept/1');
  });

  it('are ordered by their age where the record is lost', () => {
    expect(wanted(recordOf('app'), [file('1', 'backup', 1_000), file('2', 'backup', 2_000)])).toBe('/kept/2');
  });
});

describe('a release that an operator went back from', () => {
  const back = proven(three, '2', '1', { ...goneBack, leaves: leaves('2') });
  const decision = (record: BinaryRecord, word: string, pastFailures: 'respect' | 'ignore' = 'respect') => {
    const answer = { kind: 'offered', release: releaseOf(md5Of(word)) } as const;
    const observed = { entry: entryOf('app'), answer, installed: [present(md5Of('1'))], record };
    return decide([observed], { now: NOW, pastFailures }).binaries[0]?.decision;
  };

  it('is not installed again, and the plan says who went back from it', () => {
    expect(decision(back, '2')).toMatchObject({ kind: 'leave', reason: 'left-by-operator' });
    expect(decision(back, '2')).toHaveProperty(
      'detail',
      expect.stringContaining('alice went back from it at 2030-05-06'),
    );
    expect(decision(back, '3')).toMatchObject({ kind: 'change' });
    expect(decision(back, '2', 'ignore')).toMatchObject({ kind: 'change' });
  });

  it('is not what the next rollback goes to, and neither is one from further back', () => {
    const files = [file('found', 'factory'), file('2')];
    expect(wanted(back, files)).toBe('/kept/found');
    const further = proven(back, '1', 'found', { ...goneBack, leaves: leaves('1') });
    expect(further.left?.map(({ release }) => release)).toEqual([id('1'), id('2')]);
    expect(wanted(further, [file('1'), file('2')])).toBe('none');
  });

  it('may come again after another release, a retry, or a rollback that came to nothing', () => {
    expect(proven(back, '1', '3').left).toBeUndefined();
    expect(proven(back, '1', '2', goneBack).left).toBeUndefined();
    expect(proven(back, 'edited', '1', { reason: 'drifted' }).left).toEqual(leaves('2'));
    expect(stayed(back, leaves('2')).left).toEqual([]);
    const { record, lifted } = liftPast(back, id('2'), NOW);
    expect(lifted).toMatchObject([{ kind: 'left-by-operator', release: id('2') }]);
    expect(decision(record, '2')).toMatchObject({ kind: 'change' });
  });

  it('is passed over in silence by nobody: one in quarantine is not gone back to either', () => {
    const quarantine = [
      {
        release: id('1'),
        version: '1',
        reason: 'did-not-start' as const,
        detail: 'it died',
        count: 1,
        since: AT,
        until: minutesFromNow(9),
        companions: {},
      },
    ];
    expect(wanted({ ...three, quarantine }, [file('1'), file('found', 'factory')])).toBe('/kept/found');
  });
});
