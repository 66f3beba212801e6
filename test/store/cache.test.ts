import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/domain/errors.ts';
import { fingerprint } from '../../src/platform/fingerprint.ts';
import { Cache } from '../../src/store/cache.ts';
import { type LoadedManifest, loadManifest } from '../../src/store/manifest-file.ts';
import { folder } from './folder.ts';

const MD5_OF_A = '0cc175b9c0f1b6a831c399e269772661';
const MD5_OF_B = '92eb5ffee6ae2fec3ad71c777531578f';

/** A ctime cannot be set, so a file that changed long ago is one whose stats say so. */
async function longAgo(path: string) {
  const stats = await stat(path, { bigint: true });
  const then = stats.ctimeMs - 60_000n;
  return Object.assign(stats, { ctimeMs: then, ctimeNs: then * 1_000_000n });
}

describe('the digests of unchanged files (invariant 12)', () => {
  const place = folder();
  const state = () => place.path('state');
  const cached = async () => JSON.parse(readFileSync(place.path('state', 'cache.json'), 'utf8')) as { files: object };

  it('are kept from one tick to the next', async () => {
    writeFileSync(place.path('f'), 'a');
    const stats = await longAgo(place.path('f'));
    const first = new Cache(state());
    expect(await first.digest(place.path('f'), stats, 'md5')).toEqual({ algorithm: 'md5', hex: MD5_OF_A });
    await first.save();
    // The bytes are others now, the stats that were taken are not: only a cache can still say "a".
    writeFileSync(place.path('f'), 'b');
    const second = new Cache(state());
    expect(await second.digest(place.path('f'), stats, 'md5')).toEqual({ algorithm: 'md5', hex: MD5_OF_A });
  });

  it('are taken anew when anything about the file changes', async () => {
    writeFileSync(place.path('f'), 'a');
    const cache = new Cache(state());
    await cache.digest(place.path('f'), await longAgo(place.path('f')), 'md5');
    writeFileSync(place.path('f'), 'b');
    const stats = await stat(place.path('f'), { bigint: true });
    expect(await cache.digest(place.path('f'), stats, 'md5')).toEqual({ algorithm: 'md5', hex: MD5_OF_B });
  });

  it('see a file replaced by one with the same size and times', async () => {
    writeFileSync(place.path('f'), 'a');
    writeFileSync(place.path('g'), 'b');
    for (const name of ['f', 'g']) utimesSync(place.path(name), 1_000_000, 1_000_000);
    const cache = new Cache(state());
    await cache.digest(place.path('f'), await longAgo(place.path('f')), 'md5');
    renameSync(place.path('g'), place.path('f'));
    const digest = await cache.digest(place.path('f'), await stat(place.path('f'), { bigint: true }), 'md5');
    expect(digest.hex).toBe(MD5_OF_B);
  });

  it('are not kept so soon after a change that a second one could hide in the same times', async () => {
    writeFileSync(place.path('f'), 'a');
    const cache = new Cache(state());
    await cache.digest(place.path('f'), await stat(place.path('f'), { bigint: true }), 'md5');
    await cache.save();
    expect(() => statSync(place.path('state', 'cache.json'))).toThrow('ENOENT');
  });

  it('of two algorithms stand side by side', async () => {
    writeFileSync(place.path('f'), 'a');
    const stats = await longAgo(place.path('f'));
    const cache = new Cache(state());
    await cache.digest(place.path('f'), stats, 'md5');
    await cache.digest(place.path('f'), stats, 'sha256');
    await cache.save();
    const { files } = await cached();
    expect(Object.values(files)).toEqual([
      {
        fingerprint: expect.any(String) as string,
        md5: MD5_OF_A,
        sha256: expect.stringMatching(/^ca978112/) as string,
      },
    ]);
  });

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['cut off', '{"schema":"bin-proxy/cache/1","files":{'],
    ['of a later version', '{"schema":"bin-proxy/cache/2","files":{}}'],
    ['full of nothing', '{"schema":"bin-proxy/cache/1","files":{"/f":null}}'],
    ['full of numbers', '{"schema":"bin-proxy/cache/1","files":{"/f":{"fingerprint":"x","md5":7}}}'],
    ['without its manifest', '{"schema":"bin-proxy/cache/1","files":{},"manifest":{"key":7}}'],
  ])('are lost without harm where the cache is %s', async (_, text) => {
    mkdirSync(state());
    if (text !== undefined) writeFileSync(place.path('state', 'cache.json'), text);
    writeFileSync(place.path('f'), 'a');
    const cache = new Cache(state());
    expect((await cache.digest(place.path('f'), await longAgo(place.path('f')), 'md5')).hex).toBe(MD5_OF_A);
    await cache.save();
    expect(Object.keys((await cached()).files)).toEqual([place.path('f')]);
  });

  it('that cannot be saved stop nothing (invariant 8)', async () => {
    writeFileSync(state(), 'a file where a directory should be');
    writeFileSync(place.path('f'), 'a');
    const cache = new Cache(state());
    await cache.digest(place.path('f'), await longAgo(place.path('f')), 'md5');
    await cache.save();
    expect(readFileSync(state(), 'utf8')).toBe('a file where a directory should be');
  });
});

describe('the manifest as a tick loads it', () => {
  const place = folder();
  const binDir = '/usr/local/bin';
  const load = async (directory = binDir): Promise<LoadedManifest> => {
    const cache = new Cache(place.path('state'));
    const loaded = await loadManifest({ file: place.path('m.json'), binDir: directory }, cache);
    await cache.save();
    return loaded;
  };

  it('is checked once, and known as long as it is the same byte for byte (invariant 12)', async () => {
    writeFileSync(place.path('m.json'), '{"binaries":[{"name":"app","colour":"red"}]}');
    const first = await load();
    const second = await load();
    expect([first.freshness, second.freshness]).toEqual(['changed', 'known']);
    expect(second.manifest).toEqual(first.manifest);
    writeFileSync(place.path('m.json'), '{"binaries":[{"name":"app","colour":"blue"}]}');
    expect((await load()).freshness).toBe('changed');
  });

  it('is checked anew for another BIN_DIR', async () => {
    writeFileSync(place.path('m.json'), '{"binaries":[{"name":"app"}]}');
    await load();
    const { freshness, manifest } = await load('/opt/bin');
    expect([freshness, manifest.entries[0]?.path]).toEqual(['changed', '/opt/bin/app']);
  });

  it('is checked anew where the one that is known was kept before health and dependsOn were', async () => {
    const text = '{"binaries":[{"name":"app","health":{"command":["true"]}},{"name":"web","dependsOn":["app"]}]}';
    writeFileSync(place.path('m.json'), text);
    const cache = new Cache(place.path('state'));
    const file = place.path('m.json');
    cache.keepManifest(JSON.stringify([2, file, binDir, text]), { file, entries: [], warnings: [] });
    await cache.save();
    const { freshness, manifest } = await load();
    expect(freshness).toBe('changed');
    expect(manifest.entries).toMatchObject([{ health: { kind: 'command' } }, { dependsOn: ['app'] }]);
  });

  it('is not written where nothing changed', async () => {
    writeFileSync(place.path('m.json'), '{"binaries":[]}');
    await load();
    const written = () => fingerprint(statSync(place.path('state', 'cache.json'), { bigint: true }));
    const before = written();
    await load();
    expect(written()).toBe(before);
  });

  it('that is broken is never known', async () => {
    writeFileSync(place.path('m.json'), '{"binaries":');
    await expect(load()).rejects.toThrow(RunError);
    await expect(load()).rejects.toMatchObject({ code: 'manifest-invalid' });
  });

  it('that is missing says where it is looked for and how to make one', async () => {
    rmSync(place.path('m.json'), { force: true });
    await expect(load()).rejects.toMatchObject({
      code: 'manifest-invalid',
      message: `there is no manifest at ${place.path('m.json')}`,
      hint: 'Create it with {"binaries": [{"name": "manager", "version": "latest"}]}, or set BIN_MANIFESTS.',
    });
  });

  it('that is a directory says so', async () => {
    mkdirSync(place.path('m.json'));
    await expect(load()).rejects.toMatchObject({
      code: 'manifest-invalid',
      message: expect.stringContaining('EISDIR') as string,
    });
  });
});

describe('what a release source wants to know again (invariant 12)', () => {
  const place = folder();
  const file = () => place.path('state', 'cache.json');

  it('comes back as it was, and is written only when it has changed', async () => {
    const first = new Cache(place.path('state'));
    expect(first.recall()).toBeUndefined();
    first.keep({ etag: '"v1"', found: { 'app latest': [] } });
    await first.save();
    const { ino } = statSync(file(), { bigint: true });
    const second = new Cache(place.path('state'));
    expect(second.recall()).toEqual({ etag: '"v1"', found: { 'app latest': [] } });
    second.keep({ etag: '"v1"', found: { 'app latest': [] } });
    await second.save();
    expect(statSync(file(), { bigint: true }).ino).toBe(ino);
    second.keep(undefined);
    await second.save();
    expect(new Cache(place.path('state')).recall()).toBeUndefined();
  });
});
