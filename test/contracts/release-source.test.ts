import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDigestOfNothing } from '../../src/domain/digest.ts';
import type { VersionName } from '../../src/domain/names.ts';
import type { Sink } from '../../src/platform/sink.ts';
import type { ReleaseSource } from '../../src/sources/source.ts';
import { entryOf } from '../planning/builders.ts';
import { md5, sha256 } from '../support/program.ts';
import { ReleaseServer } from '../support/release-server.ts';
import { binManagerAt, HERE, Memory } from '../support/source.ts';
import { WAYS } from '../support/ways.ts';

interface Adapter {
  readonly title: string;
  /** Makes the server one of the adapter's kind. */
  readonly prepare: (server: ReleaseServer) => void;
  readonly make: (server: ReleaseServer, memory: Memory) => ReleaseSource;
}

/** Every source has to keep these sentences of the role, in each dialect it speaks and by every way to its server. */
const adapters: readonly Adapter[] = WAYS.flatMap(({ by, open }) => {
  const make: Adapter['make'] = (server, memory) => binManagerAt(server.api, { memory, way: open() });
  return [
    { title: `bin-manager, one request a binary, by ${by}`, prepare: (server) => server.offersNoIndex(), make },
    { title: `bin-manager, with an index, by ${by}`, prepare: (server) => server.offersIndex(), make },
  ];
});

const BYTES = Buffer.from('#!/bin/sh\nexit 0\n');
const LIMITS = { maxBytes: 1_000_000, idleMs: 5_000, totalMs: 20_000 };
const entries = [entryOf('app')];
const DIGESTS: readonly string[] = [md5(BYTES), sha256(BYTES)];

describe.each(adapters)('the source $title', ({ prepare, make }) => {
  let server: ReleaseServer;
  let memory: Memory;
  let source: ReleaseSource;

  beforeEach(async () => {
    server = await ReleaseServer.start();
    prepare(server);
    memory = new Memory();
    source = make(server, memory);
  });
  afterEach(async () => {
    await server.stop();
  });

  it('answers for every entry, also for those it does not know and in the order of no one', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `app${i}`);
    for (const name of names.slice(0, 20)) server.publish(name, BYTES);
    const { answers } = await source.ask(names.map((name) => entryOf(name)));
    expect([...answers.keys()].toSorted()).toEqual(names.toSorted());
    const refused = [...answers.values()].flatMap((one) => (one.kind === 'refused' ? [one.error.reason] : []));
    expect(refused).toEqual(Array.from({ length: 10 }, () => 'no-such-release'));
  });

  it('offers for the target of the entry, with digests of the bytes that it then delivers', async () => {
    server.publish('app', BYTES);
    const { answers } = await source.ask([entryOf('app', { path: '/opt/app' })]);
    const answer = answers.get(entryOf('app').name);
    if (answer?.kind !== 'offered') throw new Error('expected an offer');
    const [artifact] = answer.release.artifacts;
    expect(artifact.target).toBe('/opt/app');
    for (const digest of [artifact.digest, ...(artifact.also ?? [])]) expect(DIGESTS).toContain(digest.hex);
    const sink = new Collected();
    await source.fetch(artifact, sink, LIMITS);
    expect(sink.bytes).toEqual(BYTES);
  });

  it('says the same from its memory, and without it', async () => {
    server.publish('app', BYTES);
    const entries = [entryOf('app'), entryOf('nobody')];
    const first = await source.ask(entries);
    expect(await source.ask(entries)).toEqual(first);
    expect(await make(server, memory).ask(entries)).toEqual(first);
    expect(await make(server, new Memory()).ask(entries)).toEqual(first);
  });

  it.each<[string, unknown]>([
    ['a text', 'x'],
    ['a list', []],
    ['null', null],
    ['of another kind', { index: 7, found: 7, noneSince: [] }],
  ])('does not stumble over a memory that is %s', async (_, value) => {
    server.publish('app', BYTES);
    const { answers } = await make(server, new Memory(value)).ask([entryOf('app')]);
    expect([...answers.values()].map(({ kind }) => kind)).toEqual(['offered']);
  });

  it('says that all still holds as long as it does, with one request, also in another process', async () => {
    server.publish('app', BYTES);
    const { mark } = await source.ask(entries);
    if (mark === undefined) return;
    for (const one of [source, make(server, memory), make(server, new Memory())]) {
      server.requests.splice(0);
      expect(await one.still(mark)).toEqual({ reports: 'unasked' });
      expect(server.requests).toHaveLength(1);
    }
    server.wantsReports();
    expect(await source.still(mark)).toEqual({ reports: 'wanted' });
    server.publish('app', Buffer.from('#!/bin/sh\nexit 1\n'));
    expect(await source.still(mark)).toBeUndefined();
  });

  it('gives no mark for what has to be asked for one by one', async () => {
    server.publish('app', BYTES, '1.4.2');
    const { mark, answers } = await source.ask([entryOf('app', { version: '1.4.2' as VersionName })]);
    expect([mark, ...[...answers.values()].map(({ kind }) => kind)]).toEqual([undefined, 'offered']);
  });

  it('does not ask again for what it has just learned', async () => {
    server.publish('app', BYTES);
    const { mark } = await source.ask(entries);
    if (mark === undefined) return;
    const other = Buffer.from('#!/bin/sh\nexit 1\n');
    server.publish('app', other);
    const next = make(server, memory);
    server.requests.splice(0);
    expect(await next.still(mark)).toBeUndefined();
    const { answers } = await next.ask(entries);
    expect(server.requests).toHaveLength(1);
    const fresh = await make(server, new Memory()).ask(entries);
    expect(answers).toEqual(fresh.answers);
    // It was learned for once.
    server.publish('app', BYTES);
    expect((await next.ask(entries)).answers).toEqual((await make(server, new Memory()).ask(entries)).answers);
  });

  it('knows its own marks, and says nothing of others, nor of a server that is gone', async () => {
    server.publish('app', BYTES);
    const { mark } = await source.ask(entries);
    server.requests.splice(0);
    for (const foreign of ['', ' ', 'x', '"etag"', `http://other.example/index.json ${HERE} "x"`, `${mark}\r\nX: y`]) {
      expect([foreign, await source.still(foreign)]).toEqual([foreign, undefined]);
    }
    expect(server.requests).toEqual([]);
    await server.stop();
    expect(await source.still(mark ?? '')).toBeUndefined();
    expect([...(await source.ask(entries)).answers.values()]).toMatchObject([
      { kind: 'refused', error: { reason: 'source-unreachable' } },
    ]);
    await server.listen(0);
  });

  it('offers nothing that is empty', async () => {
    server.publish('app', Buffer.alloc(0));
    server.publish('other', BYTES);
    const { answers } = await source.ask([entryOf('app'), entryOf('other')]);
    expect(answers.get(entryOf('app').name)).toMatchObject({ kind: 'refused', error: { reason: 'bad-answer' } });
    const other = answers.get(entryOf('other').name);
    expect(other?.kind === 'offered' && !isDigestOfNothing(other.release.artifacts[0].digest)).toBe(true);
  });

  it('throws for nobody when the server is gone, and calls it unreachable', async () => {
    await server.stop();
    const { answers } = await source.ask([entryOf('app'), entryOf('other')]);
    expect([...answers.values()]).toMatchObject([
      { kind: 'refused', error: { reason: 'source-unreachable', fault: 'transfer' } },
      { kind: 'refused', error: { reason: 'source-unreachable', fault: 'transfer' } },
    ]);
    await server.listen(0);
  });

  it('asks nothing where nothing is to be asked', async () => {
    expect((await source.ask([])).answers.size).toBe(0);
    expect(server.requests).toEqual([]);
  });

  it.each([BYTES.length - 1, BYTES.length + 1])('refuses %i bytes where another number was offered', async (size) => {
    server.publish('app', BYTES);
    const { answers } = await source.ask([entryOf('app')]);
    const answer = answers.get(entryOf('app').name);
    if (answer?.kind !== 'offered') throw new Error('expected an offer');
    const fetched = source.fetch({ ...answer.release.artifacts[0], size }, new Collected(), LIMITS);
    await expect(fetched).rejects.toMatchObject({ reason: 'download-failed', fault: 'transfer' });
  });

  it('lets the errors of the sink through, and calls every other trouble a transfer', async () => {
    server.publish('app', BYTES);
    const { answers } = await source.ask([entryOf('app')]);
    const answer = answers.get(entryOf('app').name);
    if (answer?.kind !== 'offered') throw new Error('expected an offer');
    const [artifact] = answer.release.artifacts;
    const full = new Error('ENOSPC');
    const sink: Sink = { write: () => Promise.reject(full), restart: () => Promise.resolve() };
    await expect(source.fetch(artifact, sink, LIMITS)).rejects.toBe(full);
    server.answer(new URL(artifact.url).pathname.slice('/api/v1'.length), (_, response) =>
      response.writeHead(404).end(),
    );
    await expect(source.fetch(artifact, new Collected(), LIMITS)).rejects.toMatchObject({
      reason: 'download-failed',
      fault: 'transfer',
    });
  });
});

class Collected implements Sink {
  bytes = Buffer.alloc(0);
  write(chunk: Uint8Array): Promise<void> {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    return Promise.resolve();
  }
  restart(): Promise<void> {
    this.bytes = Buffer.alloc(0);
    return Promise.resolve();
  }
}
