import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinaryName, VersionName } from '../../src/domain/names.ts';
import type { Platform } from '../../src/domain/platform.ts';
import {
  type Artifact,
  artifactFor,
  type Catalog,
  channelOf,
  emptyCatalog,
  findRelease,
  releaseOf,
  stampAfter,
} from '../../src/manager/catalog.ts';
import { promoteIn, pruneIn, publishIn, withdrawIn } from '../../src/manager/catalog-changes.ts';
import { catalogText, parseCatalog } from '../../src/manager/catalog-file.ts';
import { ManagerError } from '../../src/manager/errors.ts';

const APP = 'app' as BinaryName;
const AT = '2030-01-01T00:00:00Z';
const v = (text: string) => text as VersionName;
const STABLE = v('stable');

interface Bytes {
  readonly bytes?: string;
  readonly platform?: string;
  readonly second?: number;
}

function artifact({ bytes = 'a', platform = 'linux/amd64', second = 0 }: Bytes = {}): Artifact {
  return {
    platform: platform as Platform,
    size: 10,
    md5: bytes.repeat(32).slice(0, 32),
    sha256: bytes.repeat(64).slice(0, 64),
    published: new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString().replace('.000', ''),
  };
}

type Step =
  | readonly ['publish', version: string, bytes?: Bytes, channel?: string]
  | readonly ['force', version: string, bytes?: Bytes, channel?: string]
  | readonly ['promote', wanted: string, channel: string]
  | readonly ['withdraw', wanted: string]
  | readonly ['prune', keep: number];

function step(catalog: Catalog, one: Step): Catalog {
  switch (one[0]) {
    case 'publish':
    case 'force': {
      const [kind, version, bytes, channel = 'stable'] = one;
      const conflict = kind === 'force' ? 'replace' : 'refuse';
      return publishIn(catalog, { version: v(version), artifact: artifact(bytes), channel: v(channel), conflict })
        .catalog;
    }
    case 'promote':
      return promoteIn(catalog, v(one[1]), v(one[2]));
    case 'withdraw':
      return withdrawIn(catalog, v(one[1]), AT).catalog;
    case 'prune':
      return pruneIn(catalog, one[1]).catalog;
  }
}

function after(...steps: readonly Step[]): Catalog {
  return steps.reduce(step, emptyCatalog(APP));
}

/** Three versions, one a second. */
const THREE: readonly Step[] = [
  ['publish', '1', { bytes: 'a', second: 1 }],
  ['publish', '2', { bytes: 'b', second: 2 }],
  ['publish', '3', { bytes: 'c', second: 3 }],
];

const current = (catalog: Catalog, channel = 'stable') => channelOf(catalog, v(channel))?.current;
const versions = (catalog: Catalog) => catalog.releases.map(({ version }) => version);

describe('the catalog of a binary', () => {
  it('lets the channel point at what was published last, and remembers what was before', () => {
    const catalog = after(...THREE);
    expect(channelOf(catalog, STABLE)).toEqual({ channel: 'stable', current: '3', former: ['2', '1'] });
    expect(findRelease(catalog, v('latest'))?.version).toBe('3');
    expect(findRelease(catalog, v('1'))?.version).toBe('1');
    expect(findRelease(catalog, v('4'))).toBeUndefined();
  });

  it('is not changed by publishing the same again, but its channel is', () => {
    const catalog = after(...THREE);
    const addition = { version: v('3'), artifact: artifact({ bytes: 'c', second: 9 }), conflict: 'refuse' } as const;
    expect(publishIn(catalog, { ...addition, channel: STABLE })).toEqual({ catalog, what: 'already-published' });
    const moved = publishIn(catalog, { ...addition, channel: v('beta') });
    expect(moved.what).toBe('already-published');
    expect(moved.catalog.releases).toEqual(catalog.releases);
    expect(current(moved.catalog, 'beta')).toBe('3');
  });

  it('holds an artifact a platform, and answers for linux/amd64 where nobody says which', () => {
    const catalog = after(
      ['publish', '1', { bytes: 'a', platform: 'linux/arm64' }],
      ['publish', '1', { bytes: 'b', platform: 'linux/amd64' }],
    );
    const release = releaseOf(catalog, v('1'));
    if (release === undefined) throw new Error('no release');
    expect(release.artifacts.map(({ platform }) => platform)).toEqual(['linux/arm64', 'linux/amd64']);
    expect(artifactFor(release)?.platform).toBe('linux/amd64');
    expect(artifactFor(release, 'linux/arm64' as Platform)?.sha256[0]).toBe('a');
    expect(artifactFor(release, 'linux/riscv64' as Platform)).toBeUndefined();
    const [first] = release.artifacts;
    if (first === undefined) throw new Error('no artifact');
    expect(artifactFor({ ...release, artifacts: [first] })?.platform).toBe('linux/arm64');
    const script = { ...release, artifacts: [first, artifact({ platform: 'any' })] };
    expect(artifactFor(script, 'linux/riscv64' as Platform)?.platform).toBe('any');
  });

  it.each<[string, readonly Step[], RegExp]>([
    [
      'other bytes of a version, and names both digests',
      [...THREE, ['publish', '2', { bytes: 'f' }]],
      /^app 2 is published for linux\/amd64 already, with other bytes: sha256:b{64}, this file is sha256:f{64}$/,
    ],
    ['a version called latest', [['publish', 'latest']], /^"latest" is a channel, expected a version$/],
    ['a version called stable', [['publish', 'stable']], /^"stable" is a channel, expected a version$/],
    [
      'a version called as a channel',
      [
        ['publish', '1', {}, 'beta'],
        ['publish', 'beta'],
      ],
      /^"beta" is a channel/,
    ],
    ['a channel called latest', [['publish', '1', {}, 'latest']], /^"latest" is another word for the channel stable$/],
    [
      'a channel called as a version',
      [...THREE, ['publish', '4', {}, '2']],
      /^"2" is a version of app, expected a chan/,
    ],
    [
      'a channel called as the very version',
      [['publish', '1', {}, '1']],
      /^"1" is a version of app, expected a channel/,
    ],
    ['to promote to a version', [...THREE, ['promote', '3', '1']], /^"1" is a version of app/],
    ['to promote to latest', [...THREE, ['promote', '3', 'latest']], /^"latest" is another word/],
    ['to promote what is not there', [...THREE, ['promote', '9', 'beta']], /^app has no version 9$/],
    [
      'to promote what was withdrawn',
      [...THREE, ['withdraw', '2'], ['promote', '2', 'beta']],
      /^app 2 was withdrawn at/,
    ],
    ['to withdraw what is not there', [...THREE, ['withdraw', '9']], /^app has no version 9$/],
    ['to withdraw where nothing is offered', [['withdraw', 'latest']], /^app has no version latest$/],
    [
      'to publish what was withdrawn',
      [...THREE, ['withdraw', '3'], ['publish', '3', { bytes: 'c' }]],
      /^app 3 was withdrawn at 2030-01-01T00:00:00Z$/,
    ],
    [
      'to withdraw from a channel that is empty',
      [
        ['publish', '1'],
        ['withdraw', 'stable'],
        ['withdraw', 'stable'],
      ],
      /^the channel stable of app points at nothing$/,
    ],
  ])('refuses %s', (_, steps, message) => {
    const catalog = after(...steps.slice(0, -1));
    const last = steps.at(-1);
    if (last === undefined) throw new Error('no step');
    expect(() => step(catalog, last)).toThrow(ManagerError);
    expect(() => step(catalog, last)).toThrow(message);
  });

  it('replaces bytes only by force, of that platform alone', () => {
    const catalog = after(
      ['publish', '1', { bytes: 'a' }],
      ['publish', '1', { bytes: 'b', platform: 'linux/arm64' }],
      ['force', '1', { bytes: 'c', second: 5 }],
    );
    expect(releaseOf(catalog, v('1'))?.artifacts.map(({ sha256 }) => sha256[0])).toEqual(['c', 'b']);
  });

  it('takes a withdrawal back by force', () => {
    const catalog = after(...THREE, ['withdraw', '3'], ['force', '3', { bytes: 'c' }]);
    expect(releaseOf(catalog, v('3'))).not.toHaveProperty('withdrawn');
    expect(channelOf(catalog, STABLE)).toEqual({ channel: 'stable', current: '3', former: ['2', '1'] });
  });

  it('promotes a version, or what another channel points at', () => {
    const catalog = after(...THREE, ['publish', '4', { bytes: 'd' }, 'beta'], ['promote', 'beta', 'stable']);
    expect(current(catalog)).toBe('4');
    expect(current(step(catalog, ['promote', '1', 'stable']))).toBe('1');
    expect(step(catalog, ['promote', '4', 'stable'])).toBe(catalog);
  });

  it('goes back to the former version that was not withdrawn, in every channel that points there', () => {
    const catalog = after(...THREE, ['promote', '1', 'beta'], ['promote', '3', 'beta'], ['withdraw', '2']);
    const { moves, catalog: back } = withdrawIn(catalog, STABLE, AT);
    expect(moves).toEqual([
      { channel: 'stable', from: '3', to: '1' },
      { channel: 'beta', from: '3', to: '1' },
    ]);
    expect(releaseOf(back, v('3'))?.withdrawn).toBe(AT);
    expect(findRelease(back, v('3'))).toBeUndefined();
    expect(findRelease(back, v('latest'))?.version).toBe('1');
  });

  it('empties a channel that has nothing to go back to', () => {
    const { moves, catalog } = withdrawIn(after(['publish', '1']), v('1'), AT);
    expect(moves).toEqual([{ channel: 'stable', from: '1' }]);
    expect(catalog.channels).toEqual([{ channel: 'stable', former: [] }]);
    expect(findRelease(catalog, STABLE)).toBeUndefined();
  });

  it('keeps the time of a withdrawal that is said twice', () => {
    const catalog = after(...THREE, ['withdraw', '3']);
    expect(withdrawIn(catalog, v('3'), '2031-01-01T00:00:00Z')).toMatchObject({ catalog, moves: [] });
  });

  it.each<[string, readonly Step[], readonly string[]]>([
    ['the newest', [...THREE, ['prune', 1]], ['2', '3']],
    ['all where there are fewer', [...THREE, ['prune', 9]], ['1', '2', '3']],
    [
      'what a channel points at, and would go back to',
      [...THREE, ['promote', '1', 'stable'], ['prune', 1]],
      ['1', '3'],
    ],
    ['what any channel points at', [...THREE, ['promote', '1', 'old'], ['prune', 1]], ['1', '2', '3']],
    ['withdrawn ones that are newer than a kept one', [...THREE, ['withdraw', '3'], ['prune', 1]], ['1', '2', '3']],
    ['no withdrawn ones that are older', [...THREE, ['withdraw', '1'], ['prune', 1]], ['2', '3']],
  ])('prunes, and keeps %s', (_, steps, kept) => {
    const catalog = after(...steps);
    expect(versions(catalog)).toEqual(kept);
    for (const { former } of catalog.channels) for (const version of former) expect(kept).toContain(version);
  });
});

describe('the second of a new artifact', () => {
  it('is now, or one after the last that was given, whatever the clock says', () => {
    const now = new Date('2030-01-01T00:00:02.700Z');
    expect(stampAfter([], now)).toBe('2030-01-01T00:00:02Z');
    expect(stampAfter([after(...THREE)], now)).toBe('2030-01-01T00:00:04Z');
    expect(stampAfter([after(...THREE)], new Date('2040-01-01T00:00:00Z'))).toBe('2040-01-01T00:00:00Z');
  });
});

describe('whatever is done to a catalog, in whatever order', () => {
  const version = fc.constantFrom('1', '2', '3', '__proto__', 'constructor');
  const channel = fc.constantFrom('stable', 'beta', '__proto__', '1');
  const bytes = fc.record({
    bytes: fc.constantFrom('a', 'b', 'c'),
    platform: fc.constantFrom('linux/amd64', 'linux/arm64', 'any'),
    second: fc.nat(50),
  });
  const steps = fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom('publish' as const, 'force' as const), version, bytes, channel),
      fc.tuple(fc.constant('promote' as const), fc.oneof(version, channel), channel),
      fc.tuple(fc.constant('withdraw' as const), fc.oneof(version, channel)),
      fc.tuple(fc.constant('prune' as const), fc.integer({ min: 1, max: 3 })),
    ),
    { maxLength: 30 },
  );

  /** Every state on the way; a step that is refused changes nothing. */
  function walk(all: readonly Step[], check: (before: Catalog, after: Catalog, one: Step) => void): void {
    let catalog = emptyCatalog(APP);
    for (const one of all) {
      const before = catalog;
      const text = catalogText(before);
      try {
        catalog = step(before, one);
      } catch (error) {
        expect(error).toBeInstanceOf(ManagerError);
      }
      expect(catalogText(before)).toBe(text);
      check(before, catalog, one);
    }
  }

  it('its channels point at versions that can be had, and its file says the same', () => {
    fc.assert(
      fc.property(steps, (all) => {
        walk(all, (_, catalog) => {
          for (const { channel: name, current: to } of catalog.channels) {
            expect(findRelease(catalog, name)?.version).toBe(to);
          }
          // Parsing refuses every contradiction.
          expect(parseCatalog(catalogText(catalog), APP, 'app.json')).toEqual(catalog);
        });
      }),
    );
  });

  it('the bytes of a version change by force alone', () => {
    const digests = (catalog: Catalog) =>
      new Map(
        catalog.releases.flatMap((release) =>
          release.artifacts.map((one) => [`${release.version} ${one.platform}`, one.sha256] as const),
        ),
      );
    fc.assert(
      fc.property(steps, (all) => {
        walk(all, (before, catalog, [kind]) => {
          if (kind === 'force') return;
          const now = digests(catalog);
          for (const [key, digest] of digests(before)) expect(now.get(key) ?? digest).toBe(digest);
        });
      }),
    );
  });

  it('pruning changes nothing that a channel offers', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 3 }), (all, keep) => {
        let catalog = emptyCatalog(APP);
        walk(all, (_, now) => {
          catalog = now;
        });
        const pruned = pruneIn(catalog, keep).catalog;
        for (const { channel: name } of catalog.channels) {
          expect(findRelease(pruned, name)).toEqual(findRelease(catalog, name));
        }
        const back = (one: Catalog) =>
          one.channels.map(({ channel: name, current: to }) => {
            if (to === undefined) return undefined;
            return findRelease(withdrawIn(one, to, AT).catalog, name)?.version;
          });
        expect(back(pruned)).toEqual(back(catalog));
      }),
    );
  });
});
