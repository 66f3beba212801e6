import { describe, expect, it } from 'vitest';
import { type FailureReason, UpdateError } from '../../src/domain/errors.ts';
import type { Installation } from '../../src/domain/installation.ts';
import type { Decision } from '../../src/domain/plan.ts';
import type { BinaryRecord } from '../../src/domain/record.ts';
import { releaseId } from '../../src/domain/release.ts';
import { type Answer, decide, installedText, type Observed } from '../../src/planning/decide.ts';
import { entryOf, md5Of, minutesFromNow, NOW, present, recordOf, releaseOf, sha256Of } from './builders.ts';

const OLD = md5Of('old');
const NEW = md5Of('new');
const OFFERED: Answer = { kind: 'offered', release: releaseOf(NEW) };
const ABSENT: Installation = { kind: 'absent' };

function decided(observed: Partial<Observed>): Decision {
  const all: Observed = { entry: entryOf('app'), answer: OFFERED, installed: [present(OLD)], ...observed };
  const [first] = decide([all], { now: NOW, pastFailures: 'respect' }).binaries;
  if (first === undefined) throw new Error('a plan has one line for each binary');
  return first.decision;
}

function proven(word: string): BinaryRecord {
  return recordOf('app', {
    active: { release: releaseId(releaseOf(md5Of(word))), version: '1', since: NOW.toISOString() },
  });
}

function refused(reason: FailureReason, hint?: string): Answer {
  return {
    kind: 'refused',
    error: new UpdateError(
      { reason: reason, fault: 'transfer' },
      `story of ${reason}`,
      hint === undefined ? {} : { hint },
    ),
  };
}

describe('what is installed against what is offered', () => {
  it.each<[string, Partial<Observed>, string]>([
    ['no file', { installed: [ABSENT] }, 'not-installed'],
    ['nothing known about it', { installed: [] }, 'not-installed'],
    ['nothing there any more', { installed: [ABSENT], record: proven('new') }, 'not-installed'],
    ['another file, nothing recorded', {}, 'new-release'],
    ['the release proven last, another one offered', { record: proven('old') }, 'new-release'],
    ['not what was proven last, although that is still offered', { record: proven('new') }, 'drifted'],
  ])('changes: %s', (_, observed, reason) => {
    expect(decided(observed)).toMatchObject({ kind: 'change', reason, release: releaseOf(NEW) });
  });

  it('changes nothing where the file has the offered digest, whatever the record believes', () => {
    expect(decided({ installed: [present(NEW)] })).toEqual({ kind: 'up-to-date', release: releaseOf(NEW) });
    expect(decided({ installed: [present(NEW)], record: proven('old') }).kind).toBe('up-to-date');
  });

  it('compares sha256 with sha256', () => {
    const answer: Answer = { kind: 'offered', release: releaseOf(sha256Of('new')) };
    expect(decided({ answer, installed: [present(sha256Of('new'))] }).kind).toBe('up-to-date');
    expect(decided({ answer, installed: [present(sha256Of('old'))] })).toMatchObject({
      kind: 'change',
      reason: 'new-release',
    });
  });

  it('changes only the files that differ, of a release of several', () => {
    const answer: Answer = { kind: 'offered', release: releaseOf(NEW, md5Of('library'), md5Of('data')) };
    const installed = [present(NEW), present(md5Of('old library'), '/opt/app/0'), present(md5Of('data'), '/opt/app/1')];
    const decision = decided({ answer, installed });
    expect(decision).toMatchObject({ kind: 'change', reason: 'new-release' });
    expect(decision.kind === 'change' && decision.files.map(({ artifact }) => artifact.target)).toEqual(['/opt/app/0']);
  });

  it('calls a release of several files new where only some are missing, and not installed where all are', () => {
    const answer: Answer = { kind: 'offered', release: releaseOf(NEW, md5Of('library')) };
    expect(decided({ answer, installed: [present(NEW), ABSENT] })).toMatchObject({ reason: 'new-release' });
    expect(decided({ answer, installed: [ABSENT, ABSENT] })).toMatchObject({ reason: 'not-installed' });
  });

  it('calls it drift where one of several files of the proven release has gone', () => {
    const release = releaseOf(NEW, md5Of('library'));
    const record = recordOf('app', { active: { release: releaseId(release), version: '2', since: NOW.toISOString() } });
    const decision = decided({ answer: { kind: 'offered', release }, installed: [present(NEW), ABSENT], record });
    expect(decision).toMatchObject({ kind: 'change', reason: 'drifted' });
  });
});

describe('what cannot be replaced', () => {
  it('fails for something that is not a regular file, and says where and what to do', () => {
    expect(decided({ installed: [{ kind: 'foreign', what: 'a directory' }] })).toEqual({
      kind: 'fail',
      release: releaseOf(NEW),
      reason: 'foreign-target',
      detail: 'expected a regular file at /usr/local/bin/app, found a directory',
      hint: 'Remove /usr/local/bin/app, or set "path" to where the program is to be installed.',
    });
  });

  it('fails for a file that cannot be read', () => {
    expect(decided({ installed: [{ kind: 'unreadable', why: 'EACCES' }] })).toEqual({
      kind: 'fail',
      release: releaseOf(NEW),
      reason: 'unreadable-target',
      detail: 'cannot read /usr/local/bin/app: EACCES',
      hint: 'Run as root, or mend the permissions of the file and its directory.',
    });
  });

  it('fails as a whole where one of several targets is foreign', () => {
    const answer: Answer = { kind: 'offered', release: releaseOf(NEW, md5Of('library')) };
    const installed: Installation[] = [present(OLD), { kind: 'foreign', what: 'a socket' }];
    expect(decided({ answer, installed })).toMatchObject({ kind: 'fail', reason: 'foreign-target' });
  });
});

describe('what the source would not tell', () => {
  it.each<FailureReason>(['source-unreachable', 'source-refused', 'no-such-release', 'bad-answer'])(
    'fails with the reason of the refusal: %s',
    (reason) => {
      expect(decided({ answer: refused(reason) })).toEqual({ kind: 'fail', reason, detail: `story of ${reason}` });
    },
  );

  it('passes the hint on', () => {
    expect(decided({ answer: refused('source-refused', 'Set a token.') })).toMatchObject({ hint: 'Set a token.' });
  });

  it('fails also where nothing is installed: an unknown release is not a missing one', () => {
    expect(decided({ answer: refused('source-unreachable'), installed: [ABSENT] })).toMatchObject({ kind: 'fail' });
  });
});

describe('what is held', () => {
  const held = entryOf('app', { hold: 'waiting for the auditors' });
  it.each<[string, Partial<Observed>]>([
    ['a new release', {}],
    ['a missing file', { installed: [ABSENT] }],
    ['a refusal', { answer: refused('source-unreachable') }],
    ['a foreign target', { installed: [{ kind: 'foreign', what: 'a directory' }] }],
    ['a file that is up to date', { installed: [present(NEW)] }],
    ['a source that was not asked', { answer: { kind: 'not-asked' } }],
  ])('is left alone, whatever else is true: %s', (_, observed) => {
    const detail = 'waiting for the auditors';
    expect(decided({ ...observed, entry: held })).toEqual({ kind: 'leave', reason: 'held', detail });
  });

  it('is left alone where the source was not asked, also without a word why', () => {
    expect(decided({ answer: { kind: 'not-asked' } })).toEqual({ kind: 'leave', reason: 'held', detail: 'held' });
  });

  it('is left alone under --force too', () => {
    const one: Observed = { entry: held, answer: OFFERED, installed: [present(OLD)] };
    const plan = decide([one], { now: NOW, pastFailures: 'ignore' });
    expect(plan.binaries[0]?.decision).toMatchObject({ kind: 'leave', reason: 'held' });
  });
});

describe('the plan', () => {
  it('has one line for each binary, in the order of the manifest, and the one time it was made at', () => {
    const names = ['zebra', 'app', 'mule'];
    const observed = names.map((name) => ({ entry: entryOf(name), answer: OFFERED, installed: [present(OLD)] }));
    const plan = decide(observed, { now: NOW, pastFailures: 'respect' });
    expect(plan.binaries.map(({ entry }) => entry.name)).toEqual(names);
    expect(plan.at).toBe(NOW.toISOString());
  });

  it('is a pure function: the same from the same, with nothing of its input changed (invariant 13)', () => {
    const one: Observed = { entry: entryOf('app'), answer: OFFERED, installed: [present(OLD)], record: proven('old') };
    const before = structuredClone(one);
    const policy = { now: NOW, pastFailures: 'respect' } as const;
    expect(decide([one], policy)).toEqual(decide([one], policy));
    expect(one).toEqual(before);
  });

  it('is plain data that survives being printed and read again (invariant 13)', () => {
    const plan = decide([{ entry: entryOf('app'), answer: OFFERED, installed: [present(OLD)] }], {
      now: new Date(minutesFromNow(0)),
      pastFailures: 'respect',
    });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });
});

describe('what is installed, as text', () => {
  it.each<[Installation[], string | undefined]>([
    [[], undefined],
    [[ABSENT], undefined],
    [[{ kind: 'foreign', what: 'a directory' }], undefined],
    [[present(OLD)], `md5:${OLD.hex}`],
    [[present(OLD), ABSENT, present(sha256Of('new'))], `md5:${OLD.hex}+sha256:${sha256Of('new').hex}`],
  ])('is the digests of the files that are there (row %#)', (installed, text) => {
    expect(installedText(installed)).toBe(text);
  });
});
