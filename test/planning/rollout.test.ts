import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import { dependenciesOf } from '../../src/planning/dependencies.ts';
import { type Bounds, remaining, servicesChanged, turnOf } from '../../src/planning/rollout.ts';
import type { PlannedChange, Transaction } from '../../src/planning/transactions.ts';
import { binary, entryOf, md5Of, present, releaseOf, service } from './builders.ts';

const detail = 'it died';
const story = { detail, reason: 'did-not-stay-up' } as const;
const updated = (name: string): Outcome => ({
  ...{ name: binary(name), outcome: 'updated', reason: 'new-release', detail: '', service: 'restarted', seconds: 1 },
});
const failed = (name: string): Outcome => ({ name: binary(name), outcome: 'failed', detail, reason: 'no-space' });
const rolledBack = (name: string): Outcome => ({ name: binary(name), outcome: 'rolled-back', ...story });
const stuck = (name: string): Outcome => ({
  ...{ name: binary(name), outcome: 'rollback-failed', ...story, rollbackDetail: 'gone' },
});
const cutOff = (name: string): Outcome => ({
  ...{ name: binary(name), outcome: 'rolled-back', detail, reason: 'interrupted' },
});
const putOff = (name: string): Outcome => ({ name: binary(name), outcome: 'held', reason: 'put-off', detail });

function change(name: string, ...services: readonly string[]): PlannedChange {
  return {
    entry: entryOf(name, { services: services.map(service) }),
    installed: [present(md5Of('old'))],
    decision: { kind: 'change', release: releaseOf(md5Of(name)), reason: 'new-release', files: [] },
  };
}

interface Run extends Partial<Bounds> {
  readonly outcomes?: readonly Outcome[];
  /** Absent: all of them. */
  readonly own?: readonly Outcome[];
  readonly services?: readonly string[];
}

/** Who goes, and why the others do not. */
function turn(transaction: Transaction, { outcomes = [], own = outcomes, services = [], ...bounds }: Run) {
  const dependencies = dependenciesOf([
    { name: 'api', dependsOn: ['db'] },
    { name: 'ui', dependsOn: ['api'] },
  ]);
  const rules = { afterRollback: 'stop', dependencies, ...bounds } as const;
  const { go, putOff: off } = turnOf(transaction, { outcomes, own, services: new Set(services) }, rules);
  return [go.map(({ entry }) => entry.name).join(' '), ...off.map((one) => `${one.name}: ${one.detail}`)];
}

const GOES = ['api'];
const api: Transaction = [change('api', 'api')];
const AFTER_ROLLBACK = 'db was rolled back, and this run changes nothing more; the next one goes on';

describe('the turn of a transaction', () => {
  it.each<[string, Run, readonly string[]]>([
    ['at the beginning', {}, GOES],
    ['after an update', { outcomes: [updated('db')], services: ['db'] }, GOES],
    ['after what failed before it touched anything', { outcomes: [failed('other')] }, GOES],
    ['after a rollback that an earlier run had to do', { outcomes: [rolledBack('other')], own: [] }, GOES],
    ['after what it depends on went back and in again', { outcomes: [cutOff('db'), updated('db')], own: [] }, GOES],
    ['with --keep-going after a rollback', { outcomes: [rolledBack('x')], afterRollback: 'go-on' }, GOES],
    ['below the bound', { services: ['a'], maxChanges: 2 }, GOES],
    ['of a service that was changed already', { services: ['a', 'api'], maxChanges: 2 }, GOES],
    ['the first, whatever the bound', { services: [], maxChanges: 0 }, GOES],
  ])('comes %s', (_, run, expected) => {
    expect(turn(api, run)).toEqual(expected);
  });

  it.each<[string, Run, string]>([
    ['after a rollback', { outcomes: [updated('a'), rolledBack('db')] }, AFTER_ROLLBACK],
    ['after a rollback that failed', { outcomes: [stuck('db')] }, AFTER_ROLLBACK],
    [
      'at the bound',
      { services: ['a', 'b'], maxChanges: 2 },
      'at most 2 of the services are changed in one run (BIN_PROXY_MAX_CHANGES); the next one goes on',
    ],
    ['without what it depends on', { outcomes: [failed('db')] }, 'it depends on db, which failed in this run'],
    [
      'without what it depends on, with --keep-going',
      { outcomes: [rolledBack('db')], afterRollback: 'go-on' },
      'it depends on db, which was rolled back in this run',
    ],
    ['after what was put off', { outcomes: [putOff('db')] }, 'it depends on db, which was put off in this run'],
  ])('does not come %s', (_, run, why) => {
    expect(turn(api, run)).toEqual(['', `api: ${why}`]);
  });

  it('does not come for what depends on it through another', () => {
    expect(turn([change('ui')], { outcomes: [failed('db')] })).toEqual([
      '',
      'ui: it depends on db, which failed in this run',
    ]);
  });

  it('comes for those members that need nothing', () => {
    expect(turn([change('api', 'one'), change('tool', 'one')], { outcomes: [failed('db')] })).toEqual([
      'tool',
      'api: it depends on db, which failed in this run',
    ]);
  });

  it('is bounded by services alone', () => {
    expect(turn([change('tool')], { services: ['a'], maxChanges: 1 })).toEqual(['tool']);
    expect(turn([change('one', 'a', 'b', 'c')], { services: ['x'], maxChanges: 3 })[0]).toBe('');
  });

  it('tells what is put off as an outcome, with what is offered', () => {
    const dependencies = dependenciesOf([]);
    const soFar = { outcomes: [rolledBack('db')], own: [rolledBack('db')], services: new Set<string>() };
    expect(turnOf(api, soFar, { afterRollback: 'stop', dependencies }).putOff).toEqual([
      {
        name: 'api',
        outcome: 'held',
        reason: 'put-off',
        detail: AFTER_ROLLBACK,
        from: `md5:${md5Of('old').hex}`,
        to: `md5:${md5Of('api').hex}`,
        version: '2',
      },
    ]);
  });
});

describe('the services that were changed', () => {
  it('are those of what went live, also where it went back', () => {
    const changes = [change('a', 'one'), change('b', 'two', 'three'), change('c', 'four')];
    expect(servicesChanged(changes, [updated('a'), rolledBack('b'), failed('c')])).toEqual(['one', 'two', 'three']);
  });
});

describe('a transaction of which a member drops out', () => {
  const dependent = (name: string, ...dependsOn: readonly string[]): PlannedChange => {
    const one = change(name, 'app');
    return { ...one, entry: { ...one.entry, dependsOn: dependsOn.map(binary) } };
  };
  const [db, api, ui, tool] = [change('db', 'app'), dependent('api', 'db'), dependent('ui', 'api'), change('tool')];

  it('goes without those that depend on it', () => {
    const { go, putOff: off } = remaining([db, api, ui, tool], [api, ui, tool]);
    expect(go).toEqual([tool]);
    expect(off.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['api', 'held'],
      ['ui', 'held'],
    ]);
    expect(off[0]).toMatchObject({
      reason: 'put-off',
      detail: 'it depends on db, which could not be updated in this run',
    });
  });

  it('goes as it is where nobody depends on it', () => {
    expect(remaining([db, api, ui, tool], [db, api, ui])).toEqual({ go: [db, api, ui], putOff: [] });
  });
});
