import { describe, expect, it } from 'vitest';
import { UpdateError } from '../../src/domain/errors.ts';
import type { Hold } from '../../src/domain/record.ts';
import { type Answer, decide } from '../../src/planning/decide.ts';
import { holdInForce } from '../../src/planning/hold.ts';
import { liftPast } from '../../src/planning/retry.ts';
import { entryOf, md5Of, minutesFromNow, NOW, present, recordOf, releaseOf } from './builders.ts';

const POLICY = { now: NOW, pastFailures: 'respect' } as const;
const hold: Hold = { by: 'alice', since: minutesFromNow(-5), until: minutesFromNow(60), reason: 'the audit' };
const offered: Answer = { kind: 'offered', release: releaseOf(md5Of('new')) };
const refused: Answer = {
  kind: 'refused',
  error: new UpdateError({ reason: 'no-such-release', fault: 'setup' }, '404'),
};

function decisionFor(answer: Answer, held: Hold, manifest?: string) {
  const entry = entryOf('app', manifest === undefined ? {} : { hold: manifest });
  const observed = { entry, answer, installed: [present(md5Of('old'))], record: recordOf('app', { hold: held }) };
  return decide([observed], POLICY).binaries[0]?.decision;
}

describe("an operator's hold", () => {
  it.each<[string, Answer]>([
    ['a release that is offered', offered],
    ['one that is installed', { kind: 'offered', release: releaseOf(md5Of('old')) }],
    ['a server that refuses', refused],
  ])('comes before %s, and says until when, by whom and why', (_, answer) => {
    const detail = 'held until 2030-05-06 08:08Z by alice: the audit';
    expect(decisionFor(answer, hold)).toMatchObject({ kind: 'leave', reason: 'held', detail, until: hold.until });
  });

  it('does not hide the one of the manifest', () => {
    const { until: _, ...open } = hold;
    const detail = 'held by alice: the audit; and by the manifest: back by hand';
    expect(decisionFor({ kind: 'not-asked' }, open, 'back by hand')).toMatchObject({ kind: 'leave', detail });
  });

  it('that has run out is as none', () => {
    const over = { ...hold, until: NOW.toISOString() };
    expect(holdInForce(recordOf('app', { hold: over }), NOW)).toBeUndefined();
    expect(decisionFor(offered, over)).toMatchObject({ kind: 'change' });
    expect(decisionFor({ kind: 'not-asked' }, over, 'mine')).toMatchObject({ kind: 'leave', detail: 'mine' });
  });
});

describe('a retry', () => {
  const quarantined = (word: string, minutes: number) => ({
    release: `md5:${md5Of(word).hex}`,
    version: '2',
    reason: 'did-not-start' as const,
    detail: 'it died',
    count: 2,
    since: minutesFromNow(-9),
    until: minutesFromNow(minutes),
    companions: {},
  });
  const record = recordOf('app', {
    quarantine: [quarantined('new', 60), quarantined('other', 60), quarantined('old', -1)],
  });
  const names = `md5:${md5Of('new').hex}`;

  it('lifts what is held against the release that is offered, and forgets no failure', () => {
    const { record: after, lifted } = liftPast(record, names, NOW);
    expect(lifted).toEqual([{ kind: 'quarantined', release: names, until: minutesFromNow(60), detail: 'it died' }]);
    expect(after.quarantine.map(({ count, until }) => [count, until > NOW.toISOString()])).toEqual([
      [2, false],
      [2, true],
      [2, false],
    ]);
    const observed = { entry: entryOf('app'), answer: offered, installed: [present(md5Of('old'))], record: after };
    expect(decide([observed], POLICY).binaries[0]?.decision.kind).toBe('change');
  });

  it('lifts what is held against any, where nobody says which is offered', () => {
    const backoff = {
      release: names,
      reason: 'no-space' as const,
      detail: 'full',
      count: 3,
      notBefore: minutesFromNow(9),
    };
    const { record: after, lifted } = liftPast({ ...record, backoff }, undefined, NOW);
    expect(lifted.map(({ kind }) => kind)).toEqual(['quarantined', 'quarantined', 'backing-off']);
    expect(after.backoff).toEqual({ ...backoff, notBefore: NOW.toISOString() });
  });

  it('changes nothing where there is nothing to lift', () => {
    expect(liftPast(record, `md5:${md5Of('third').hex}`, NOW)).toEqual({ record, lifted: [] });
  });
});
