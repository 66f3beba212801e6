import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ManifestEntry } from '../../src/domain/manifest.ts';
import { isVersionName, type VersionName } from '../../src/domain/names.ts';
import type { Answer } from '../../src/planning/decide.ts';
import type { Asked } from '../../src/sources/source.ts';
import { entryOf } from '../planning/builders.ts';
import { md5, sha256 } from '../support/program.ts';
import { ReleaseServer } from '../support/release-server.ts';
import { binManagerAt, HERE, Memory, type SourceChoice } from '../support/source.ts';

const BYTES = Buffer.from('#!/bin/sh\n');
const OTHERS = Buffer.from('#!/bin/sh\nexit 7\n');
const INDEX = 'GET /api/v1/index.json';
const HOUR_MS = 3_600_000;

let server: ReleaseServer;
let memory: Memory;
beforeEach(async () => {
  server = await ReleaseServer.start();
  server.offersIndex();
  server.publish('app', BYTES);
  memory = new Memory();
});
afterEach(async () => {
  await server.stop();
});

async function ask(entries: readonly ManifestEntry[] = [entryOf('app')], choice: SourceChoice = {}): Promise<Asked> {
  return binManagerAt(server.api, { memory, ...choice }).ask(entries);
}

async function answer(entry: ManifestEntry = entryOf('app')): Promise<Answer | undefined> {
  return (await ask([entry])).answers.get(entry.name);
}

function version(text: string): VersionName {
  if (!isVersionName(text)) throw new Error(`not a version name: ${text}`);
  return text;
}

/** What was asked since the last time. */
function requests(): readonly string[] {
  return server.requests.splice(0);
}

/** `index.json` in a way of its own. */
function indexIs(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  server.answer('/index.json', (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

describe('a server with an index', () => {
  it('asks for reports with every answer anew, also with a 304, and in no other version of their form', async () => {
    server.publish('app', BYTES);
    expect((await ask()).reports).toBe('unasked');
    server.wantsReports();
    expect((await ask()).reports).toBe('wanted');
    expect(server.headers.at(-1)?.['if-none-match']).toBeDefined();
    for (const value of ['2', '', '1, 1', 'yes']) {
      indexIs(200, server.index(), { 'Bin-Manager-Reports': value });
      expect((await ask()).reports).toBe('unasked');
    }
    for (const status of [404, 500]) {
      indexIs(status, '', { 'Bin-Manager-Reports': '1' });
      expect((await ask()).reports).toBe('unasked');
    }
  });

  it('is asked once for all binaries, and names version, sha256, md5, size and address of each', async () => {
    for (let i = 0; i < 40; i++) server.publish(`app${i}`, BYTES);
    const names = Array.from({ length: 40 }, (_, i) => `app${i}`);
    const { answers, warnings } = await ask(names.map((name) => entryOf(name)));
    expect(requests()).toEqual([INDEX]);
    expect(warnings).toEqual([]);
    expect([...answers.keys()]).toEqual(names);
    expect(answers.get(entryOf('app7').name)).toEqual({
      kind: 'offered',
      release: {
        version: `0-${md5(BYTES)}`,
        artifacts: [
          {
            url: `${server.api}/artifacts/${sha256(BYTES)}`,
            digest: { algorithm: 'sha256', hex: sha256(BYTES) },
            also: [{ algorithm: 'md5', hex: md5(BYTES) }],
            size: BYTES.length,
            target: '/usr/local/bin/app7',
          },
        ],
      },
    });
  });

  it('answers 304 from then on, with the same answers and nothing to write (invariant 12)', async () => {
    const first = await ask();
    expect(memory.writes).toBe(1);
    expect(await ask()).toEqual(first);
    expect(await ask()).toEqual(first);
    expect(memory.writes).toBe(1);
    expect(requests()).toEqual([INDEX, INDEX, INDEX]);
    expect(server.headers.map((headers) => headers['if-none-match'] !== undefined)).toEqual([false, true, true]);
  });

  it('may keep answering 200: the same text is nothing to write (invariant 12)', async () => {
    indexIs(200, server.index(), { etag: '"v1"' });
    const first = await ask();
    expect(await ask()).toEqual(first);
    expect(memory.writes).toBe(1);
  });

  it.each([
    ['no ETag', undefined],
    ['one that is no validator', 'v1'],
    ['an endless one', `"${'x'.repeat(500)}"`],
  ])('with %s is asked without a condition, and nothing is kept', async (_, etag) => {
    indexIs(200, server.index(), etag === undefined ? {} : { etag });
    expect((await answer())?.kind).toBe('offered');
    expect((await answer())?.kind).toBe('offered');
    expect(memory.writes).toBe(0);
    expect(server.headers.map((headers) => headers['if-none-match'])).toEqual([undefined, undefined]);
  });

  it('is asked without a condition for an entry it was not asked for before', async () => {
    server.publish('other', OTHERS);
    await ask();
    const { answers } = await ask([entryOf('app'), entryOf('other')]);
    expect([...answers.values()].map(({ kind }) => kind)).toEqual(['offered', 'offered']);
    expect((await answer(entryOf('app', { version: version('stable') })))?.kind).toBe('offered');
    expect(server.headers.map((headers) => headers['if-none-match'])).toEqual([undefined, undefined, undefined]);
  });

  it('is asked with a condition for some of the entries, wherever they are installed', async () => {
    server.publish('other', OTHERS);
    await ask([entryOf('app'), entryOf('other')]);
    const moved = await answer(entryOf('other', { path: '/opt/other' }));
    expect(moved).toMatchObject({ release: { artifacts: [{ target: '/opt/other' }] } });
    expect(server.headers[1]?.['if-none-match']).toBeDefined();
    expect(memory.writes).toBe(1);
  });

  it('is another server at another address, and for another kind of host', async () => {
    await ask();
    await ask([entryOf('app')], { platform: 'linux/loong64' });
    const other = await ReleaseServer.start();
    other.offersIndex();
    await binManagerAt(other.api, { memory }).ask([entryOf('app')]);
    expect(server.headers[1]?.['if-none-match']).toBeUndefined();
    expect(other.headers[0]?.['if-none-match']).toBeUndefined();
    await other.stop();
  });

  it('that has changed is read anew', async () => {
    await ask();
    server.publish('app', OTHERS);
    expect(await answer()).toMatchObject({ release: { artifacts: [{ digest: { hex: sha256(OTHERS) } }] } });
    expect(memory.writes).toBe(2);
  });

  it('is asked for a fixed version that no channel is at, and for nothing else that it does not name', async () => {
    server.publish('app', OTHERS, '1.4.2');
    server.channel('app', 'beta', { version: '2.0', builds: { [HERE]: OTHERS } });
    const at = (name: string, text: string) => entryOf(name, { version: version(text) });
    expect(await answer(at('app', '2.0'))).toMatchObject({ release: { version: '2.0' } });
    expect(requests()).toEqual([INDEX]);
    expect(await answer(at('app', '1.4.2'))).toMatchObject({
      release: { version: '1.4.2', artifacts: [{ digest: { algorithm: 'md5', hex: md5(OTHERS) } }] },
    });
    expect(requests()).toEqual([INDEX, 'GET /api/v1/releases/1.4.2/app/md5']);
    expect(await answer(entryOf('nobody'))).toMatchObject({ error: { reason: 'no-such-release', fault: 'transfer' } });
    expect(requests()).toEqual([INDEX]);
    expect(await answer(at('nobody', '1.0'))).toMatchObject({ error: { reason: 'no-such-release' } });
    expect(requests()).toEqual([INDEX, 'GET /api/v1/releases/1.0/nobody/md5']);
  });

  it('and every refusal is remembered as what it was', async () => {
    server.channel('arm', 'stable', { version: '1', builds: { 'linux/plan9': BYTES } });
    const sound = server.index() as { binaries: object };
    indexIs(200, { ...sound, binaries: { ...sound.binaries, bad: { channels: 7 } } }, { etag: '"v1"' });
    const entries = ['app', 'arm', 'bad', 'nobody'].map((name) => entryOf(name));
    const reasons = async () =>
      [...(await ask(entries)).answers.values()].map((one) => (one.kind === 'refused' ? one.error : one.kind));
    const first = await reasons();
    expect(first).toMatchObject([
      'offered',
      { reason: 'wrong-platform', message: `1 has linux/plan9, this host is ${HERE}`, hint: expect.any(String) },
      { reason: 'bad-answer', message: expect.stringContaining('"channels"') },
      { reason: 'no-such-release' },
    ]);
    indexIs(304, '');
    expect(await reasons()).toEqual(first);
  });

  it.each<[string, unknown]>([
    ['a digest is none', { digests: ['md5:abc'] }],
    ['there is no digest', { digests: [] }],
    ['the address is none', { url: 'artifacts' }],
    ['it is gone', undefined],
  ])('is asked anew where the memory is damaged: %s', async (_, damage) => {
    const whole = await ask();
    const kept = memory.recall() as { found: Record<string, { build: object }> };
    const [key = '', found] = Object.entries(kept.found)[0] ?? [];
    const build = damage === undefined ? undefined : { ...found?.build, ...(damage as object) };
    memory = new Memory({ ...kept, found: { [key]: { ...found, build } } });
    expect(await ask()).toEqual(whole);
    expect(server.headers[1]?.['if-none-match']).toBeUndefined();
  });
});

describe('a server without an index', () => {
  const releases = 'GET /api/v1/releases/latest/app/md5';

  it.each([400, 403, 404, 405, 406, 410, 501])(
    'that says so with %i is asked once a binary, and only that for an hour',
    async (status) => {
      indexIs(status, '{}');
      for (let tick = 0; tick < 3; tick++) expect(await answer()).toMatchObject({ kind: 'offered' });
      expect(requests()).toEqual([INDEX, releases, releases, releases]);
      expect(memory.writes).toBe(1);
      const later = (ms: number) => ask([entryOf('app')], { memory, now: new Date(Date.now() + ms) });
      await later(HOUR_MS - 60_000);
      expect(requests()).toEqual([releases]);
      await later(HOUR_MS + 1_000);
      expect(requests()).toEqual([INDEX, releases]);
    },
  );

  it('is asked again where the clock has gone back, and at another address', async () => {
    server.offersNoIndex();
    await ask();
    await ask([entryOf('app')], { now: new Date(Date.now() - HOUR_MS) });
    expect(requests()).toEqual([INDEX, releases, INDEX, releases]);
    await binManagerAt(`${server.api}/`, { memory }).ask([entryOf('app')]);
    expect(requests()).toEqual(expect.arrayContaining([releases]));
    await binManagerAt(`${server.api}/v2`, { memory }).ask([entryOf('app')]);
    expect(requests()[0]).toBe('GET /api/v1/v2/index.json');
  });

  it.each(['<html>', '[]', '{"code":0,"data":[]}', ''])(
    'that answers everything with a page says nothing: %s',
    async (page) => {
      indexIs(200, page);
      const { answers, warnings } = await ask();
      expect([...answers.values()]).toMatchObject([{ kind: 'offered' }]);
      expect(warnings).toEqual([]);
      await ask();
      expect(requests()).toEqual([INDEX, releases, releases]);
    },
  );

  it.each<[string, () => void]>([
    ['of a later version', () => indexIs(200, { schema: 'bin-manager/index/2', binaries: {} })],
    ['in an encoding nobody asked for', () => indexIs(200, '{}', { 'content-encoding': 'gzip' })],
    ['at an unsafe address', () => indexIs(302, '', { location: 'file:///etc/passwd' })],
    ['that is too large', () => indexIs(200, `{"schema":"bin-manager/index/1","x":"${'x'.repeat(17 << 20)}"}`)],
    ['without binaries', () => indexIs(200, { schema: 'bin-manager/index/1' })],
  ])('that can be read, but one %s: it is told once, and asked no more for an hour', async (_, prepare) => {
    prepare();
    const first = await ask();
    expect([...first.answers.values()]).toMatchObject([{ kind: 'offered' }]);
    expect(first.warnings).toEqual([expect.stringMatching(/; asking once a binary for an hour$/)]);
    expect((await ask()).warnings).toEqual([]);
    expect(requests()).toEqual([INDEX, releases, releases]);
  });
});

describe('a server in trouble is asked no thousand times more, and nothing is remembered', () => {
  const entries = Array.from({ length: 30 }, (_, i) => entryOf(`app${i}`));

  it.each<[string, () => void, string]>([
    ['500', () => indexIs(500, {}), 'source-unreachable'],
    ['503', () => indexIs(503, {}), 'source-unreachable'],
    ['429', () => indexIs(429, {}), 'source-unreachable'],
    ['hanging up', () => server.answer('/index.json', (request) => request.socket.destroy()), 'source-unreachable'],
    [
      'a cut text',
      () =>
        server.answer('/index.json', (_, response) => {
          response.writeHead(200, { 'content-length': 1_000 });
          response.write('{"schema":');
          setTimeout(() => response.destroy(), 50);
        }),
      'source-unreachable',
    ],
    ['half a text', () => indexIs(200, '{"schema":"bin-manager/index/1","bin', { etag: '"v1"' }), 'bad-answer'],
    ['401', () => indexIs(401, {}), 'source-refused'],
    ['304 to a request without a condition', () => indexIs(304, ''), 'bad-answer'],
    ['206', () => indexIs(206, server.index()), 'bad-answer'],
  ])('%s', async (_, prepare, reason) => {
    prepare();
    const { answers, warnings } = await ask(entries);
    expect(answers.size).toBe(30);
    for (const one of answers.values())
      expect(one).toMatchObject({ kind: 'refused', error: { reason, fault: 'transfer' } });
    expect(warnings).toEqual([]);
    expect(new Set(requests())).toEqual(new Set([INDEX]));
    expect(memory.writes).toBe(0);
  });

  it('and what was known of its index is known when it is back', async () => {
    const whole = await ask();
    indexIs(503, {});
    expect(await answer()).toMatchObject({ error: { reason: 'source-unreachable' } });
    server.answer('/index.json', undefined);
    server.headers.splice(0);
    expect(await ask()).toEqual(whole);
    expect(server.headers[0]?.['if-none-match']).toBeDefined();
  });
});

describe('a token (invariant 14)', () => {
  it('is shown to the API for index and files, and not to another origin that the index names', async () => {
    const cdn = await ReleaseServer.start();
    cdn.channel('app', 'stable', { version: '1', builds: { any: BYTES } });
    const build = { platform: 'any', sha256: sha256(BYTES), url: `${cdn.api}/artifacts/${sha256(BYTES)}` };
    const channels = { stable: { version: '1', artifacts: [build] } };
    indexIs(200, { schema: 'bin-manager/index/1', binaries: { app: { channels } } });
    const source = binManagerAt(server.api, { memory, token: 'hunter2' });
    const one = (await source.ask([entryOf('app')])).answers.get(entryOf('app').name);
    if (one?.kind !== 'offered') throw new Error('expected an offer');
    const sink = { write: () => Promise.resolve(), restart: () => Promise.resolve() };
    await source.fetch(one.release.artifacts[0], sink, { maxBytes: 1_000, idleMs: 5_000, totalMs: 20_000 });
    expect(server.headers.map(({ authorization }) => authorization)).toEqual(['Bearer hunter2']);
    expect(cdn.headers.map(({ authorization }) => authorization)).toEqual([undefined]);
    await cdn.stop();
  });
});
