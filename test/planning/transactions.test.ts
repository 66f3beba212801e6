import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedBinary } from '../../src/domain/plan.ts';
import { dependenciesOf } from '../../src/planning/dependencies.ts';
import { isChange, mayShareProcess, type PlannedChange, transactions } from '../../src/planning/transactions.ts';
import { entryOf, md5Of, releaseOf, service } from './builders.ts';

type Member = readonly [name: string, service: string, ...dependsOn: string[]];

/** The order of members with one service each. */
function ordered(members: readonly Member[]): readonly string[] {
  const dependencies = dependenciesOf(members.map(([name, , ...dependsOn]) => ({ name, dependsOn })));
  const changes = members.map(([name, one]) => change(name, one));
  return transactions(changes, dependencies).map((group) => group.map(({ entry }) => entry.name).join(' '));
}

function change(name: string, ...services: readonly string[]): PlannedChange {
  const entry = entryOf(name, { services: services.map(service) });
  return {
    entry,
    installed: [{ kind: 'absent' }],
    decision: { kind: 'change', release: releaseOf(md5Of(name)), reason: 'not-installed', files: [] },
  };
}

function grouped(...changes: readonly PlannedChange[]): readonly string[] {
  return transactions(changes).map((members) => members.map(({ entry }) => entry.name).join(' '));
}

describe('what goes live together', () => {
  it.each<[string, PlannedChange[], string[]]>([
    ['nothing', [], []],
    ['each on its own, in the order of the manifest', [change('z', 'z'), change('a', 'a')], ['z', 'a']],
    ['two of one service', [change('a', 'web'), change('b', 'web')], ['a b']],
    ['only those that share', [change('a', 'web'), change('b', 'db'), change('c', 'web')], ['a c', 'b']],
    ['those that share one service of several', [change('a', 'x', 'y'), change('b', 'y', 'z')], ['a b']],
    ['binaries without a service never', [change('a'), change('b')], ['a', 'b']],
    ['the same name in another group not', [change('a', 'web:app'), change('b', 'db:app')], ['a', 'b']],
    ['a group and one of its programs', [change('a', 'web:*'), change('b', 'web:app')], ['a b']],
    ['one of its programs and a group', [change('a', 'web:app'), change('b', 'web:*')], ['a b']],
    ['a group twice', [change('a', 'web:*'), change('b', 'web:*')], ['a b']],
    ['two programs of one group not', [change('a', 'web:a'), change('b', 'web:b')], ['a', 'b']],
    ['a program by its two names', [change('a', 'web'), change('b', 'web:web')], ['a b']],
    ['a program and the group of its name', [change('a', 'web'), change('b', 'web:*')], ['a b']],
  ])('%s', (_, changes, expected) => {
    expect(grouped(...changes)).toEqual(expected);
  });

  it('joins chains: a with b, and b with c', () => {
    expect(grouped(change('a', 's', 't'), change('b', 't', 'u'), change('c', 'u'))).toEqual(['a b c']);
  });

  it('joins two groups when a third binary shares with both, in the order of the manifest', () => {
    const changes = [change('a', 'one'), change('other', 'other'), change('b', 'two'), change('c', 'two', 'one')];
    expect(grouped(...changes)).toEqual(['a b c', 'other']);
    expect(grouped(change('b', 'two'), change('a', 'one'), change('c', 'one', 'two'), change('d', 'two'))).toEqual([
      'b a c d',
    ]);
  });

  it('keeps the order of the manifest between groups: where the first of its binaries stands', () => {
    const changes = [
      change('a', 'one'),
      change('b', 'two'),
      change('c', 'one'),
      change('d', 'three'),
      change('e', 'two'),
    ];
    expect(grouped(...changes)).toEqual(['a c', 'b e', 'd']);
  });
});

describe('any manifest', () => {
  const services = fc.uniqueArray(fc.constantFrom('a', 'b', 'web:*', 'web:one', 'web:two', 'db:*', 'db:one'), {
    maxLength: 3,
  });
  const plans = fc
    .array(services, { maxLength: 12 })
    .map((lists) => lists.map((list, i) => change(`app${i}`, ...list)));

  it('has every change in exactly one transaction', () => {
    fc.assert(
      fc.property(plans, (changes) => {
        expect(transactions(changes).flat().toSorted(byName)).toEqual(changes.toSorted(byName));
      }),
    );
  });

  it('never has two transactions that may restart the same process', () => {
    fc.assert(
      fc.property(plans, (changes) => {
        const groups = transactions(changes).map((members) => members.flatMap(({ entry }) => entry.services));
        for (const [index, group] of groups.entries()) {
          const others = groups.slice(index + 1).flat();
          const shared = group.filter((one) => others.some((other) => mayShareProcess(one, other)));
          expect(shared).toEqual([]);
        }
      }),
    );
  });
});

function byName(a: PlannedChange, b: PlannedChange): number {
  return a.entry.name.localeCompare(b.entry.name);
}

describe('what is to change', () => {
  it('is told from every other decision', () => {
    const { entry, installed } = change('a');
    const release = releaseOf(md5Of('a'));
    const others: PlannedBinary['decision'][] = [
      { kind: 'up-to-date', release },
      { kind: 'leave', reason: 'held', detail: 'held' },
      { kind: 'fail', reason: 'bad-answer', detail: 'bad' },
    ];
    expect(others.map((decision) => isChange({ entry, installed, decision }))).toEqual([false, false, false]);
    expect(isChange(change('a'))).toBe(true);
  });
});

describe('what goes first', () => {
  it.each<[string, readonly Member[], string[]]>([
    [
      'what another depends on',
      [
        ['api', 'api', 'db'],
        ['db', 'db'],
      ],
      ['db', 'api'],
    ],
    [
      'a whole chain',
      [
        ['a', 'a', 'b'],
        ['b', 'b', 'c'],
        ['c', 'c'],
      ],
      ['c', 'b', 'a'],
    ],
    [
      'only what must',
      [
        ['x', 'x'],
        ['a', 'a', 'c'],
        ['y', 'y'],
        ['c', 'c'],
      ],
      ['x', 'y', 'c', 'a'],
    ],
    [
      'with its companions',
      [
        ['a', 'a', 'c'],
        ['b', 'one'],
        ['c', 'one'],
      ],
      ['b c', 'a'],
    ],
    [
      'nobody in one transaction',
      [
        ['a', 'one', 'b'],
        ['b', 'one'],
      ],
      ['a b'],
    ],
    [
      'the first, where transactions need each other',
      [
        ['a', 'x', 'c'],
        ['b', 'x'],
        ['c', 'y'],
        ['d', 'y', 'b'],
      ],
      ['a b', 'c d'],
    ],
    [
      'two that one depends on',
      [
        ['a', 'a', 'c', 'b'],
        ['b', 'b'],
        ['c', 'c'],
      ],
      ['b', 'c', 'a'],
    ],
  ])('is %s', (_, members, expected) => {
    expect(ordered(members)).toEqual(expected);
  });

  it('is what is needed through one that does not change', () => {
    const dependencies = dependenciesOf([
      { name: 'a', dependsOn: ['b'] },
      { name: 'b', dependsOn: ['c'] },
      { name: 'c' },
    ]);
    const order = transactions([change('a', 'a'), change('c', 'c')], dependencies);
    expect(order.map(([first]) => first.entry.name)).toEqual(['c', 'a']);
  });
});
