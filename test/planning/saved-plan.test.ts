import { describe, expect, it } from 'vitest';
import type { Decision, Plan, PlannedBinary } from '../../src/domain/plan.ts';
import { changedNames, differencesFrom, type SavedPlan, savedBinary } from '../../src/planning/saved-plan.ts';
import { entryOf, md5Of, NOW, present, releaseOf } from './builders.ts';

const [OLD, NEW] = [`md5:${md5Of('old').hex}`, `md5:${md5Of('new').hex}`];

function planned(name: string, decision: Partial<Decision> = {}, word = 'old'): PlannedBinary {
  const release = releaseOf(md5Of('new'));
  const all = { kind: 'change', release, reason: 'new-release', files: [], ...decision } as Decision;
  return { entry: entryOf(name), installed: [present(md5Of(word))], decision: all };
}

function planOf(...binaries: readonly PlannedBinary[]): Plan {
  return { at: NOW.toISOString(), binaries, warnings: [], reports: 'unasked' };
}

const SAVED: SavedPlan = {
  schema: 'bin-proxy/saved-plan/1',
  host: 'here',
  at: NOW.toISOString(),
  manifest: '/etc/manifest',
  force: 'no',
  now: 'no',
  binaries: [planned('app'), planned('same', { kind: 'up-to-date' })].map(savedBinary),
};

describe('a plan that was saved', () => {
  it('changes what it says that it changes', () => {
    expect(changedNames(SAVED)).toEqual(['app']);
  });

  it('fits where nothing has changed of that, whatever else has', () => {
    expect(differencesFrom(SAVED, planOf(planned('app'), planned('same', {}, 'other')))).toEqual([]);
    expect(differencesFrom(SAVED, planOf(planned('app')))).toEqual([]);
  });

  it.each<[string, readonly PlannedBinary[], string]>([
    [
      'another file is installed',
      [planned('app', {}, 'x')],
      `app: installed: expected ${OLD}, found md5:${md5Of('x').hex}`,
    ],
    [
      'nothing is',
      [{ ...planned('app'), installed: [{ kind: 'absent' }] }],
      `app: installed: expected ${OLD}, found nothing`,
    ],
    [
      'another release is offered',
      [planned('app', { release: releaseOf(md5Of('y')) })],
      `app: offered: expected ${NEW}, found md5:${md5Of('y').hex}`,
    ],
    [
      'it is decided for another reason',
      [planned('app', { reason: 'drifted' })],
      'app: reason: expected new-release, found drifted',
    ],
    ['it is gone from the manifest', [planned('other')], 'app: is no longer in the manifest'],
  ])('does not fit where %s', (_, binaries, difference) => {
    expect(differencesFrom(SAVED, planOf(...binaries))).toEqual([difference]);
  });
});
