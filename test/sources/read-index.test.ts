import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpdateError } from '../../src/domain/errors.ts';
import { type Found, findInIndex, readIndex } from '../../src/sources/bin-manager-index.ts';

const FROM = 'https://releases.example/api/v1/index.json';
const PLACE = { url: new URL(FROM), platform: 'linux/amd64' };
const MD5 = '0123456789abcdef0123456789abcdef';
const SHA256 = MD5 + MD5;
const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const build = (more: object = {}) => ({
  platform: 'linux/amd64',
  size: 123,
  md5: MD5,
  sha256: SHA256,
  url: `artifacts/${SHA256}`,
  ...more,
});
const channel = (version: string, ...artifacts: readonly unknown[]) => ({ version, artifacts });
const index = (binaries: unknown) => ({ schema: 'bin-manager/index/1', binaries });
const app = (...artifacts: readonly unknown[]) => ({ app: { channels: { stable: channel('1.4.2', ...artifacts) } } });

function find(binaries: unknown, version = 'latest', name = 'app'): Found {
  const read = readIndex(JSON.stringify(index(binaries)), FROM);
  if (read.kind !== 'index') throw new Error(`expected an index, found ${read.kind}`);
  return findInIndex(read.binaries, { name, version }, PLACE);
}

describe('a text is taken for an index', () => {
  it('where it says so', () => {
    expect(readIndex(` \n${JSON.stringify(index({}))}`, FROM)).toEqual({ kind: 'index', binaries: {} });
  });

  it.each([
    '',
    '<!doctype html><title>Not found</title>',
    '[]',
    'null',
    '"bin-manager/index/1"',
    '{}',
    '{"code":404,"message":"no such page"}',
    '{"schema":1,"binaries":{}}',
    '{"schema":"bin-manager/release/1","binaries":{}}',
    '{"__proto__":{"schema":"bin-manager/index/1","binaries":{}}}',
  ])('and not where it is something else: %s', (text) => {
    expect(readIndex(text, FROM)).toEqual({ kind: 'none' });
  });

  it.each([
    [
      '{"schema":"bin-manager/index/2","binaries":{}}',
      /its schema is "bin-manager\/index\/2", expected "bin-manager\/index\/1"/,
    ],
    ['{"schema":"bin-manager/index/1"}', /expected an object under "binaries", found undefined/],
    ['{"schema":"bin-manager/index/1","binaries":[]}', /expected an object under "binaries", found \[\]/],
    [`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, /nested more than 64 levels deep/],
    ['['.repeat(3).padStart(4, '{'), undefined],
  ])('and told to be one that cannot be used: %s', (text, why) => {
    if (why === undefined) expect(() => readIndex(text, FROM)).toThrow(UpdateError);
    else expect(readIndex(text, FROM)).toEqual({ kind: 'unusable', why: expect.stringMatching(why) as string });
  });

  it('and a bad answer where it breaks off: nobody should ask a server in trouble a thousand times more', () => {
    const whole = JSON.stringify(index(app(build())));
    for (let end = 1; end < whole.length; end++) {
      expect(() => readIndex(whole.slice(0, end), FROM)).toThrow(UpdateError);
    }
  });

  it('and its depth is counted outside of texts only', () => {
    const tricky = { app: { channels: {}, note: `${'['.repeat(500)}\\" {{{ \\\\` } };
    expect(readIndex(JSON.stringify(index(tricky)), FROM)).toEqual({ kind: 'index', binaries: tricky });
  });

  it('and refused before it takes the memory of the host where it is nothing but brackets', () => {
    const before = process.memoryUsage().rss;
    expect(readIndex(`{"a":${'['.repeat(8_000_000)}`, FROM).kind).toBe('unusable');
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });
});

describe('an entry finds in an index', () => {
  it('its artifact: version, address, size and every digest, the strongest first', () => {
    expect(find(app(build()))).toEqual({
      kind: 'offered',
      version: '1.4.2',
      build: {
        url: `https://releases.example/api/v1/artifacts/${SHA256}`,
        digests: [
          { algorithm: 'sha256', hex: SHA256 },
          { algorithm: 'md5', hex: MD5 },
        ],
        size: 123,
      },
    });
  });

  const channels = {
    app: {
      channels: {
        stable: channel('1.4.2', build({ url: 'of-stable' })),
        beta: channel('1.5.0', build({ url: 'of-beta' })),
        '1.4.2': channel('9.9.9', build({ url: 'of-a-channel-called-as-a-version' })),
        latest: channel('0.0.1', build({ url: 'of-a-channel-called-latest' })),
      },
    },
  };

  it.each([
    ['latest', 'of-stable'],
    ['stable', 'of-stable'],
    ['beta', 'of-beta'],
    ['1.5.0', 'of-beta'],
    ['1.4.2', 'of-a-channel-called-as-a-version'],
    ['9.9.9', 'of-a-channel-called-as-a-version'],
  ])('under the version "%s" %s', (version, file) => {
    expect(find(channels, version)).toMatchObject({ build: { url: `https://releases.example/api/v1/${file}` } });
  });

  it.each([
    ['1.4.1', 'app'],
    ['nightly', 'app'],
    ['1.4.2', 'other'],
  ])('nothing about the fixed version %s of %s: somebody else must be asked', (version, name) => {
    expect(find(channels, version, name)).toEqual({ kind: 'elsewhere' });
  });

  it('that there is no such release', () => {
    expect(find({}, 'latest')).toEqual({
      kind: 'refused',
      reason: 'no-such-release',
      message: 'the index does not name app',
    });
    expect(find({ app: { channels: { beta: channel('1', build()), rc: channel('1', build()) } } })).toEqual({
      kind: 'refused',
      reason: 'no-such-release',
      message: 'the index has no channel "stable" of app, but beta, rc',
    });
  });

  it.each([
    [
      [build({ platform: 'linux/arm64', url: 'arm' }), build({ url: 'mine' }), build({ platform: 'any', url: 'any' })],
      'mine',
    ],
    [[build({ platform: 'any', url: 'any' }), build({ url: 'mine' })], 'mine'],
    [[build({ platform: 'linux/arm64', url: 'arm' }), build({ platform: 'any', url: 'any' })], 'any'],
    [[build({ url: 'mine' }), build({ url: 'mine again' })], 'mine'],
  ])('the artifact for its own platform, else the one for any', (artifacts, file) => {
    expect(find(app(...artifacts))).toMatchObject({ build: { url: `https://releases.example/api/v1/${file}` } });
  });

  it.each([
    [[], '1.4.2 has none, this host is linux/amd64'],
    [
      [build({ platform: 'linux/arm64' }), build({ platform: 'linux/386' })],
      '1.4.2 has linux/arm64, linux/386, this host is linux/amd64',
    ],
    [
      Array.from({ length: 20 }, (_, i) => build({ platform: `plan9/${i}` })),
      /^1\.4\.2 has (plan9\/\d, ){7}plan9\/7 and 12 more, this host is linux\/amd64$/,
    ],
    [[build({ platform: 7 }), null, 'x'], '1.4.2 has 7, undefined, undefined, this host is linux/amd64'],
  ])('that no artifact is for it', (artifacts, message) => {
    const found = find(app(...artifacts));
    expect(found).toMatchObject({ kind: 'refused', reason: 'wrong-platform' });
    if (found.kind === 'refused') expect(found.message).toMatch(message);
  });

  it.each([
    ['a slash', '/files/app', 'https://releases.example/files/app'],
    ['dots', '../../files/app', 'https://releases.example/files/app'],
    ['another origin', 'https://cdn.example/app?sig=1', 'https://cdn.example/app?sig=1'],
    ['the same scheme', '//cdn.example/app', 'https://cdn.example/app'],
  ])('an address with %s', (_, url, whole) => {
    expect(find(app(build({ url })))).toMatchObject({ build: { url: whole } });
  });

  it('a file of which one digest or no size is known', () => {
    expect(find(app(build({ md5: undefined, size: undefined })))).toMatchObject({
      build: { digests: [{ algorithm: 'sha256', hex: SHA256 }] },
    });
    expect(find(app(build({ sha256: null, md5: ` ${MD5.toUpperCase()}\n` })))).toMatchObject({
      build: { digests: [{ algorithm: 'md5', hex: MD5 }] },
    });
  });
});

describe('what is wrong with one name is a bad answer for that name', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', { app: 'stable' }, /expected an object under "channels", found undefined/],
    ['a list of channels', { app: { channels: [] } }, /expected an object under "channels", found \[\]/],
    ['no channel', { app: { channels: { stable: null } } }, /expected a version such as "1.4.2", found undefined/],
    ['a version that is a path', { app: { channels: { stable: channel('../1', build()) } } }, /found "\.\.\/1"/],
    ['an endless version', { app: { channels: { stable: channel('1'.repeat(200), build()) } } }, /expected a version/],
    ['no artifacts', { app: { channels: { stable: { version: '1' } } } }, /expected a list under "artifacts"/],
    ['a short sha256', app(build({ sha256: MD5 })), /expected sha256 in hex, found "0123/],
    ['a long md5', app(build({ md5: SHA256 })), /expected md5 in hex/],
    ['a digest that is a list', app(build({ sha256: [SHA256] })), /expected sha256 in hex, found \["0123/],
    ['no digest', app(build({ sha256: undefined, md5: undefined })), /a file without a digest/],
    ['the sha256 of nothing', app(build({ sha256: EMPTY_SHA256 })), /offers an empty file/],
    ['the md5 of nothing', app(build({ md5: EMPTY_MD5 })), /offers an empty file/],
    ['size 0', app(build({ size: 0 })), /expected a size in bytes, found 0/],
    ['a negative size', app(build({ size: -1 })), /expected a size in bytes, found -1/],
    ['a broken size', app(build({ size: 1.5 })), /expected a size in bytes, found 1\.5/],
    ['a size that is text', app(build({ size: '123' })), /expected a size in bytes, found "123"/],
    ['a size beyond all files', app(build({ size: 1e300 })), /expected a size in bytes, found 1e\+300/],
    ['no address', app(build({ url: undefined })), /expected the address of the file, found undefined/],
    ['no address at all', app(build({ url: 'http://[' })), /expected the address of the file/],
    ['an endless address', app(build({ url: 'a'.repeat(3_000) })), /expected the address of the file/],
    ['a file of this host', app(build({ url: 'file:///etc/passwd' })), /a file: address, expected http: or https:/],
    ['a file within', app(build({ url: 'data:,x' })), /a data: address, expected http: or https:/],
    ['less protection', app(build({ url: 'http://releases.example/a' })), /https must not become http/],
    ['a user', app(build({ url: 'https://root@cdn.example/a' })), /is at https:\/\/cdn\.example with credentials/],
    ['a password', app(build({ url: 'https://:x@cdn.example/a' })), /with credentials/],
  ])('%s', (_, binaries, message) => {
    const sound = { channels: { stable: channel('1', build()) } };
    const found = find({ ...(binaries as object), sound });
    expect(found).toMatchObject({ kind: 'refused', reason: 'bad-answer' });
    if (found.kind === 'refused') expect(found.message).toMatch(message);
    expect(find({ ...(binaries as object), sound }, 'latest', 'sound')).toMatchObject({ kind: 'offered' });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('a name like any other: %s', (name) => {
    expect(find({}, 'latest', name)).toMatchObject({ reason: 'no-such-release' });
    expect(find({}, name)).toEqual({ kind: 'elsewhere' });
    const written = `{"schema":"bin-manager/index/1","binaries":{"${name}":${JSON.stringify({ channels: { stable: channel('1', build()) } })}}}`;
    const read = readIndex(written, FROM);
    if (read.kind !== 'index') throw new Error(read.kind);
    expect(findInIndex(read.binaries, { name, version: 'latest' }, PLACE)).toMatchObject({ kind: 'offered' });
  });

  it('and of a name that stands there twice the last one counts, as in every JSON reader', () => {
    const [first, second] = ['1', '2'].map((version) =>
      JSON.stringify({ channels: { stable: channel(version, build()) } }),
    );
    const read = readIndex(`{"schema":"bin-manager/index/1","binaries":{"app":${first},"app":${second}}}`, FROM);
    if (read.kind !== 'index') throw new Error(read.kind);
    expect(findInIndex(read.binaries, { name: 'app', version: 'latest' }, PLACE)).toMatchObject({ version: '2' });
  });
});

describe('any index', () => {
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(EMPTY_MD5, EMPTY_SHA256, MD5, SHA256, '__proto__', 1e300, -1, 0, '../..', 'file:///etc/passwd'),
  );
  const maybe = <T>(good: T) => fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>(good) }, odd);
  const artifact = fc.oneof(
    fc.record(
      {
        platform: fc.oneof(fc.constantFrom('linux/amd64', 'linux/arm64', 'any'), odd),
        size: maybe(123),
        md5: maybe(MD5),
        sha256: maybe(SHA256),
        url: fc.oneof(fc.webUrl({ validSchemes: ['http', 'https', 'ftp'] }), fc.constant('a/b'), odd),
      },
      { requiredKeys: [] },
    ),
    odd,
  );
  const channels = fc.dictionary(
    fc.constantFrom('stable', 'beta', '__proto__', '1.4.2'),
    fc.oneof(
      fc.record({ version: maybe('1.4.2'), artifacts: fc.oneof(fc.array(artifact, { maxLength: 3 }), odd) }),
      odd,
    ),
  );
  const binaries = fc.dictionary(
    fc.constantFrom('app', '__proto__', 'constructor', '../app'),
    fc.oneof(fc.record({ channels: fc.oneof(channels, odd) }), odd),
  );

  it('offers digests of something at an http address without credentials, or refuses, and never throws', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(
        binaries,
        fc.constantFrom('app', '__proto__', 'constructor', '../app'),
        fc.constantFrom('latest', 'beta', '1.4.2', '__proto__'),
        (value, name, version) => {
          const found = find(value, version, name);
          kinds.add(found.kind === 'refused' ? found.reason : found.kind);
          if (found.kind !== 'offered') {
            expect(found.kind === 'elsewhere' || found.message.length < 1_000).toBe(true);
            return;
          }
          for (const { algorithm, hex } of found.build.digests) {
            expect(hex).toMatch(algorithm === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
            expect([EMPTY_MD5, EMPTY_SHA256]).not.toContain(hex);
          }
          const url = new URL(found.build.url);
          expect([url.protocol, url.username, url.password]).toEqual(['https:', '', '']);
          expect(found.build.size ?? 1).toBeGreaterThan(0);
        },
      ),
      { numRuns: 6_000 },
    );
    expect([...kinds].toSorted()).toEqual(['bad-answer', 'elsewhere', 'no-such-release', 'offered', 'wrong-platform']);
  });

  it('that is any text at all is one of three things, or a bad answer', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `{${text}`),
        ),
        (text) => {
          try {
            expect(['none', 'unusable', 'index']).toContain(readIndex(text, FROM).kind);
          } catch (error) {
            expect(error).toMatchObject({ name: 'UpdateError', reason: 'bad-answer' });
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
