import { describe, expect, it } from 'vitest';
import type { Journal, JournalFile } from '../../src/domain/journal.ts';
import { type FoundFile, type Recovery, recovery } from '../../src/planning/recover.ts';
import { binary, NOW } from './builders.ts';

/** What hashing found at one target: the new bytes, the former ones, no file, or bytes this program never saw. */
type State = 'new' | 'former' | 'nothing' | 'strange';
type Backup = FoundFile['backup'];
/** One file: what lies at its target, whether its backup is sound, and whether there was a file before. */
type Row = readonly [State, Backup, ('upgrade' | 'first install')?];

const FAILED = { reason: 'did-not-stay-up', fault: 'release', detail: 'FATAL' } as const;

function decided(rows: readonly Row[], more: Partial<Journal> = {}): Recovery {
  const found = new Map<JournalFile, FoundFile>();
  for (const [index, [state, backup, kind = 'upgrade']] of rows.entries()) {
    const former = { digest: `md5:former-${index}`, backup: `/usr/local/bin/.bin-proxy/backups/app/${index}` };
    const next = `md5:new-${index}`;
    const file: JournalFile = {
      target: `/usr/local/bin/${index}`,
      staged: `/usr/local/bin/.bin-proxy/staging/${index}`,
      next,
      ...(kind === 'upgrade' && { former }),
    };
    const target = { new: next, former: former.digest, nothing: undefined, strange: 'md5:strange' }[state];
    found.set(file, { target, backup });
  }
  const change = { name: binary('app'), version: '2', release: 'md5:new', reason: 'new-release', keep: 3 } as const;
  const journal: Journal = {
    schema: 'bin-proxy/journal/1',
    run: 'cafe',
    startedAt: NOW.toISOString(),
    attempts: 1,
    changes: [{ ...change, files: [...found.keys()] }],
    services: [],
    ...more,
  };
  return recovery(journal, found);
}

describe('a transaction that died, judged by the files alone (invariant 4)', () => {
  it.each<[string, readonly Row[], Recovery]>([
    ['the new file is live', [['new', 'valid']], 'finish'],
    [
      'all new files are live',
      [
        ['new', 'valid'],
        ['new', 'valid'],
      ],
      'finish',
    ],
    ['the new file is live, its backup lost: it may still be proven', [['new', 'missing']], 'finish'],
    ['the former file is live', [['former', 'valid']], 'abandon'],
    ['the former file is live, no backup made yet', [['former', 'missing']], 'abandon'],
    [
      'all former files are live',
      [
        ['former', 'valid'],
        ['former', 'missing'],
      ],
      'abandon',
    ],
    [
      'some new, some former',
      [
        ['new', 'valid'],
        ['former', 'valid'],
      ],
      'undo',
    ],
    [
      'some former, some new',
      [
        ['former', 'valid'],
        ['new', 'valid'],
      ],
      'undo',
    ],
    ['bytes of nobody, with a sound backup', [['strange', 'valid']], 'undo'],
    ['no file at all, with a sound backup', [['nothing', 'valid']], 'undo'],
    ['bytes of nobody, without a backup', [['strange', 'missing']], 'give-up'],
    ['no file at all, without a backup', [['nothing', 'missing']], 'give-up'],
    [
      'one file beyond help among sound ones',
      [
        ['new', 'valid'],
        ['strange', 'missing'],
        ['former', 'valid'],
      ],
      'give-up',
    ],
    ['nothing to do at all', [], 'abandon'],
  ])('%s', (_, rows, expected) => {
    expect(decided(rows)).toBe(expected);
  });

  it.each<[string, readonly Row[], Recovery]>([
    ['the new file is live', [['new', 'missing', 'first install']], 'finish'],
    ['nothing is there yet, as before', [['nothing', 'missing', 'first install']], 'abandon'],
    ['somebody else put a file there', [['strange', 'missing', 'first install']], 'give-up'],
    [
      'one is live, the other not yet',
      [
        ['new', 'missing', 'first install'],
        ['nothing', 'missing', 'first install'],
      ],
      'undo',
    ],
    [
      'a file that is new beside one that is replaced',
      [
        ['new', 'missing', 'first install'],
        ['former', 'valid'],
      ],
      'undo',
    ],
  ])('first install: %s', (_, rows, expected) => {
    expect(decided(rows)).toBe(expected);
  });

  it('takes a file nobody looked at for one that is not there', () => {
    const change = { name: binary('app'), version: '2', release: 'md5:new', reason: 'new-release', keep: 3 } as const;
    const file: JournalFile = {
      target: '/usr/local/bin/app',
      staged: '/usr/local/bin/.bin-proxy/staging/app',
      next: 'md5:new',
      former: { digest: 'md5:former', backup: '/usr/local/bin/.bin-proxy/backups/app/former' },
    };
    const journal: Journal = {
      schema: 'bin-proxy/journal/1',
      run: 'cafe',
      startedAt: NOW.toISOString(),
      attempts: 1,
      changes: [{ ...change, files: [file] }],
      services: [],
    };
    expect(recovery(journal, new Map())).toBe('give-up');
  });
});

describe('a transaction whose release was judged bad before it died (invariants 5 and 6)', () => {
  it.each<[string, readonly Row[], Recovery]>([
    ['is undone, not finished, where all is new', [['new', 'valid']], 'undo'],
    ['is undone where all is former: the service may still be down', [['former', 'valid']], 'undo'],
    [
      'is undone in between',
      [
        ['new', 'valid'],
        ['former', 'valid'],
      ],
      'undo',
    ],
    ['is beyond help where it cannot be undone', [['strange', 'missing']], 'give-up'],
    ['is undone where the first file had been removed again', [['nothing', 'missing', 'first install']], 'undo'],
  ])('%s', (_, rows, expected) => {
    expect(decided(rows, { failed: FAILED })).toBe(expected);
  });
});

describe('a transaction that cannot be ended', () => {
  it.each<[number, Row, Recovery]>([
    [1, ['new', 'valid'], 'finish'],
    [3, ['new', 'valid'], 'finish'],
    [4, ['new', 'valid'], 'undo'],
    [6, ['new', 'valid'], 'undo'],
    [7, ['new', 'valid'], 'give-up'],
    [6, ['former', 'valid'], 'abandon'],
    [7, ['former', 'valid'], 'give-up'],
    [6, ['strange', 'valid'], 'undo'],
    [7, ['strange', 'valid'], 'give-up'],
  ])('is not tried for ever: try %i with %j means %s', (attempts, row, expected) => {
    expect(decided([row], { attempts })).toBe(expected);
  });
});
