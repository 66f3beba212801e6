import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UpdateError } from '../../src/domain/errors.ts';
import type { ManifestEntry } from '../../src/domain/manifest.ts';
import { isVersionName, type VersionName } from '../../src/domain/names.ts';
import type { Answer } from '../../src/planning/decide.ts';
import type { Sink } from '../../src/platform/sink.ts';
import type { BinManagerSource } from '../../src/sources/bin-manager.ts';
import { entryOf } from '../planning/builders.ts';
import { md5 } from '../support/program.ts';
import { ReleaseServer } from '../support/release-server.ts';
import { binManagerAt, knowsNoIndex } from '../support/source.ts';

const BYTES = Buffer.from('#!/bin/sh\n');
const LIMITS = { maxBytes: 1_000_000, idleMs: 5_000, totalMs: 20_000 };

let server: ReleaseServer;
beforeEach(async () => {
  server = await ReleaseServer.start();
});
afterEach(async () => {
  await server.stop();
});

/** Of a server of which it is known that it has no index: one request a binary. */
function sourceAt(api = server.api, token?: string): BinManagerSource {
  return binManagerAt(api, { memory: knowsNoIndex(api), ...(token !== undefined && { token }) });
}

function version(text: string): VersionName {
  if (!isVersionName(text)) throw new Error(`not a version name: ${text}`);
  return text;
}

async function askOne(entry: ManifestEntry, source = sourceAt()): Promise<Answer> {
  const answer = (await source.ask([entry])).answers.get(entry.name);
  if (answer === undefined) throw new Error('must answer for every entry');
  return answer;
}

async function refusal(name = 'app'): Promise<UpdateError> {
  const answer = await askOne(entryOf(name));
  if (answer.kind !== 'refused') throw new Error(`expected a refusal, found ${answer.kind}`);
  return answer.error;
}

function json(status: number, body: unknown) {
  return (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Everything that was written, and how often it began anew. */
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

describe('asking a bin-manager', () => {
  it('offers a release with digest, target and the address of its bytes', async () => {
    server.publish('app', BYTES);
    expect(await askOne(entryOf('app', { path: '/opt/app/bin/app' }))).toEqual({
      kind: 'offered',
      release: {
        version: 'latest',
        artifacts: [
          {
            url: `${server.api}/releases/latest/app/download`,
            digest: { algorithm: 'md5', hex: md5(BYTES) },
            target: '/opt/app/bin/app',
          },
        ],
      },
    });
    expect(server.requests).toEqual(['GET /api/v1/releases/latest/app/md5']);
  });

  it('asks for the version of the entry, as one encoded segment (invariant 10)', async () => {
    server.publish('app', BYTES, '1.4.2+build~5');
    const answer = await askOne(entryOf('app', { version: version('1.4.2+build~5') }));
    expect(answer).toMatchObject({ kind: 'offered', release: { version: '1.4.2+build~5' } });
    expect(server.requests).toEqual(['GET /api/v1/releases/1.4.2%2Bbuild~5/app/md5']);
  });

  it.each(['', '/', '///'])('takes an address that ends in "%s"', async (end) => {
    server.publish('app', BYTES);
    const answer = await askOne(entryOf('app'), sourceAt(`${server.api}${end}`));
    expect(answer).toMatchObject({
      release: { artifacts: [{ url: `${server.api}/releases/latest/app/download` }] },
    });
    expect(server.requests).toEqual(['GET /api/v1/releases/latest/app/md5']);
  });

  it('keeps the path of an address behind a gateway', async () => {
    await askOne(entryOf('app'), sourceAt(`${new URL(server.api).origin}/teams/a%20b/releases-api/`));
    expect(server.requests).toEqual(['GET /teams/a%20b/releases-api/releases/latest/app/md5']);
  });

  it('answers for every entry, and the trouble of one is its own', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `app${i}`);
    for (const name of names) server.publish(name, BYTES);
    server.answer('/releases/latest/app7/md5', json(200, '<html>'));
    server.answer('/releases/latest/app8/md5', (request) => request.socket.destroy());
    server.answer('/releases/latest/app9/md5', json(404, { code: 404 }));
    const { answers } = await sourceAt().ask(names.map((name) => entryOf(name)));
    expect([...answers.keys()].toSorted()).toEqual(names.toSorted());
    const refused = [...answers].filter(([, { kind }]) => kind === 'refused').map(([name]) => name);
    expect(refused.toSorted()).toEqual(['app7', 'app8', 'app9']);
  });

  it('asks nothing where nothing is to be asked', async () => {
    expect((await sourceAt().ask([])).answers.size).toBe(0);
    expect(server.requests).toEqual([]);
  });

  it('asks for no more than sixteen at the same time', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `app${i}`);
    const waiting: ServerResponse[] = [];
    let most = 0;
    for (const name of names) {
      server.answer(`/releases/latest/${name}/md5`, (_, response) => {
        waiting.push(response);
        most = Math.max(most, waiting.length);
        // One of the waiting is let go only when as many wait as ever will.
        if (waiting.length >= 16 || server.requests.length === names.length) setTimeout(() => release(), 20);
      });
    }
    const release = () => {
      for (const response of waiting.splice(0)) response.end(JSON.stringify({ md5: md5(BYTES) }));
    };
    const { answers } = await sourceAt().ask(names.map((name) => entryOf(name)));
    expect(most).toBe(16);
    expect([...answers.values()].every(({ kind }) => kind === 'offered')).toBe(true);
    expect(answers.size).toBe(50);
  });

  it('asks no thousand times where nobody answers, and goes on where some do not', async () => {
    const entries = Array.from({ length: 200 }, (_, i) => entryOf(`app${i}`));
    const breaksOff = (path: string) => server.answer(path, (request) => request.socket.destroy());
    for (const { name } of entries) breaksOff(`/releases/latest/${name}/md5`);
    const { answers } = await sourceAt().ask(entries);
    expect(answers.size).toBe(200);
    for (const one of answers.values()) expect(one).toMatchObject({ error: { reason: 'source-unreachable' } });
    // Each is asked twice, and those that were on their way to the last of sixteen are as well.
    expect(server.requests.length).toBeLessThanOrEqual(2 * 31);

    const some = entries.slice(0, 40);
    for (const { name } of some.filter((_, i) => i % 10 === 9)) {
      server.answer(`/releases/latest/${name}/md5`, undefined);
      server.publish(name, BYTES);
    }
    const kinds = [...(await sourceAt().ask(some)).answers.values()].map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'offered')).toHaveLength(4);
  });

  it('shows its token to its own address only, and to nobody who reads its label (invariant 14)', async () => {
    server.publish('app', BYTES);
    const source = sourceAt(server.api, 'hunter2');
    await askOne(entryOf('app'), source);
    expect(server.headers[0]?.authorization).toBe('Bearer hunter2');
    expect(source.label).toBe(server.api);
  });
});

describe('a refusal says what happened, whose fault it is and what to do', () => {
  const SETTINGS_HINT = 'Is BIN_MANAGER_API the address of a bin-manager?';

  it.each<[string, number, unknown, string, string | undefined]>([
    [
      'not published',
      404,
      {},
      'no-such-release',
      'Publish the release, or correct "name" or "version" in the manifest.',
    ],
    ['no token', 401, {}, 'source-refused', 'Set BIN_MANAGER_TOKEN_FILE to a file with a valid token.'],
    ['a wrong token', 403, {}, 'source-refused', 'Set BIN_MANAGER_TOKEN_FILE to a file with a valid token.'],
    ['broken', 500, {}, 'source-unreachable', undefined],
    ['behind a broken gateway', 502, '<html>', 'source-unreachable', undefined],
    ['slow', 408, {}, 'source-unreachable', undefined],
    ['busy', 429, {}, 'source-unreachable', undefined],
    ['something else', 418, {}, 'bad-answer', SETTINGS_HINT],
    ['a part', 206, { md5: md5(BYTES) }, 'bad-answer', SETTINGS_HINT],
    ['nothing', 204, '', 'bad-answer', SETTINGS_HINT],
    ['a page', 200, '<html>', 'bad-answer', SETTINGS_HINT],
    ['an error dressed as success', 200, { code: 500, data: { md5: md5(BYTES) } }, 'bad-answer', SETTINGS_HINT],
    ['a digest of nothing', 200, { md5: md5(Buffer.alloc(0)) }, 'bad-answer', SETTINGS_HINT],
    ['an answer without end', 200, { md5: md5(BYTES), more: 'x'.repeat(70_000) }, 'bad-answer', undefined],
  ])('%s', async (_, status, body, reason, hint) => {
    server.answer('/releases/latest/app/md5', json(status, body));
    const error = await refusal();
    expect(error).toMatchObject({ name: 'UpdateError', reason, fault: 'transfer' });
    if (hint !== undefined) expect(error.hint).toBe(hint);
    expect(error.message).not.toBe('');
  });

  it('names status and address', async () => {
    expect((await refusal('nobody')).message).toBe(`HTTP 404 from ${server.api}/releases/latest/nobody/md5`);
  });

  it('calls a server that is gone unreachable', async () => {
    const api = server.api;
    await server.stop();
    const answer = await askOne(entryOf('app'), sourceAt(api));
    expect(answer).toMatchObject({ kind: 'refused', error: { reason: 'source-unreachable', fault: 'transfer' } });
    await server.listen(0);
  });

  it('calls an unsafe answer a bad one: it will be the same next time', async () => {
    server.answer('/releases/latest/app/md5', (_, response) => {
      response.writeHead(302, { location: 'file:///etc/passwd' });
      response.end();
    });
    expect((await refusal()).reason).toBe('bad-answer');
  });
});

describe('fetching an artifact', () => {
  const artifact = () => ({
    url: `${server.api}/releases/latest/app/download`,
    digest: { algorithm: 'md5', hex: md5(BYTES) } as const,
    target: '/usr/local/bin/app',
  });

  it('streams its bytes into the sink', async () => {
    server.publish('app', BYTES);
    const sink = new Collected();
    await sourceAt().fetch(artifact(), sink, LIMITS);
    expect(sink.bytes).toEqual(BYTES);
  });

  it.each([
    ['missing', 404, /^HTTP 404 from /],
    ['no file', 204, /^HTTP 204 from /],
  ])('is a failed transfer where it is %s', async (_, status, message) => {
    server.answer('/releases/latest/app/download', json(status, ''));
    await expect(sourceAt().fetch(artifact(), new Collected(), LIMITS)).rejects.toMatchObject({
      name: 'UpdateError',
      reason: 'download-failed',
      fault: 'transfer',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is a failed transfer where it is too large', async () => {
    server.publish('app', BYTES);
    const fetched = sourceAt().fetch(artifact(), new Collected(), { ...LIMITS, maxBytes: BYTES.length - 1 });
    await expect(fetched).rejects.toMatchObject({ reason: 'download-failed', fault: 'transfer' });
  });

  it('lets the errors of the sink through as they are', async () => {
    server.publish('app', BYTES);
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const sink: Sink = { write: () => Promise.reject(full), restart: () => Promise.resolve() };
    await expect(sourceAt().fetch(artifact(), sink, LIMITS)).rejects.toBe(full);
  });

  it('does not compare digests: that is for the one who asked', async () => {
    server.publish('app', Buffer.from('something else'));
    const sink = new Collected();
    await sourceAt().fetch(artifact(), sink, LIMITS);
    expect(sink.bytes.toString()).toBe('something else');
  });
});
