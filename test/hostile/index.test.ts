import { describe, expect } from 'vitest';
import { entryOf } from '../planning/builders.ts';
import { binManagerAt, Memory } from '../support/source.ts';
import { PATIENT, wireTest } from './client.ts';
import { good, head } from './hostile-server.ts';

const SHA256 = 'ab'.repeat(32);
const entries = Array.from({ length: 20 }, (_, i) => entryOf(`app${i}`));
const artifact = { platform: 'any', sha256: SHA256, url: 'artifacts/x' };
const binaries = Object.fromEntries(
  entries.map(({ name }) => [name, { channels: { stable: { version: '1', artifacts: [artifact] } } }]),
);
const text = JSON.stringify({ schema: 'bin-manager/index/1', binaries });

describe('an index on the wire', PATIENT, () => {
  wireTest('that is sent again with 304 is not read: what was known counts', async ({ serve }) => {
    const lie = Buffer.from(text.replaceAll(SHA256, 'cd'.repeat(32)));
    const server = await serve((socket, { index }) => {
      socket.end(
        index === 0
          ? good(text, { etag: '"v1"' })
          : Buffer.concat([Buffer.from(head('304 Not Modified', { 'content-length': lie.length })), lie]),
      );
    });
    const source = binManagerAt(server.url('/api'), { memory: new Memory() });
    const first = await source.ask(entries);
    expect(first.answers.size).toBe(20);
    expect(await source.ask(entries)).toEqual(first);
    expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"v1"']);
  });

  wireTest('that a stranger answers with 304 at once offers nothing, to one request', async ({ serve }) => {
    const server = await serve((socket) => socket.end(head('304 Not Modified', { etag: '"v1"' })));
    const memory = new Memory();
    const { answers } = await binManagerAt(server.url('/api'), { memory }).ask(entries);
    for (const one of answers.values()) expect(one).toMatchObject({ error: { reason: 'bad-answer' } });
    expect([server.requests.length, memory.writes]).toEqual([1, 0]);
  });

  wireTest.for([
    ['without end', `"${'x'.repeat(8_000)}"`],
    ['without a value', 'W/'],
    ['of two texts', '"a"b"'],
    ['that means every text', '*'],
  ])('with an ETag %s is read, and not remembered: it could not be shown again', async ([, etag = ''], { serve }) => {
    const server = await serve((socket) => socket.end(good(text, { etag })));
    const memory = new Memory();
    const { answers } = await binManagerAt(server.url('/api'), { memory }).ask(entries);
    const kinds = new Set([...answers.values()].map(({ kind }) => kind));
    expect([...kinds]).toEqual(['offered']);
    expect(memory.writes).toBe(0);
  });

  wireTest('that never ends is given up, and the server asked no thousand times', async ({ serve }) => {
    const chunk = Buffer.alloc(1 << 20, ' ');
    const server = await serve((socket, { path }) => {
      if (!path.endsWith('/index.json')) return void socket.end(head('404 Not Found', { 'content-length': 0 }));
      socket.write(head('200 OK'));
      const more = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    });
    const { answers, warnings } = await binManagerAt(server.url('/api')).ask(entries);
    expect(answers.size).toBe(20);
    expect(warnings).toEqual([expect.stringContaining('larger than 16777216 bytes')]);
    expect(server.requests.filter(({ path }) => path.endsWith('/index.json'))).toHaveLength(1);
  });

  wireTest(
    'that is cut in the middle of its connection is trouble, and the entries are not asked for',
    async ({ serve }) => {
      const server = await serve((socket) =>
        socket.end(Buffer.concat([Buffer.from(head('200 OK')), Buffer.from(text.slice(0, -10))])),
      );
      const { answers } = await binManagerAt(server.url('/api')).ask(entries);
      for (const one of answers.values()) expect(one).toMatchObject({ kind: 'refused', error: { fault: 'transfer' } });
      expect(server.requests).toHaveLength(1);
    },
  );

  wireTest('is asked for without the token where a redirect leads elsewhere (invariant 14)', async ({ serve }) => {
    const elsewhere = await serve((socket) => socket.end(good(text)));
    const server = await serve((socket) => {
      socket.end(head('302 Found', { location: elsewhere.url('/index.json').replace('127.0.0.1', 'localhost') }));
    });
    const { answers } = await binManagerAt(server.url('/api'), { token: 'hunter2' }).ask(entries);
    expect([...answers.values()].map(({ kind }) => kind)).toContain('offered');
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer hunter2']);
    expect(elsewhere.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined]);
  });
});
