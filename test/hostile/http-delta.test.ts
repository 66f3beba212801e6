import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import { hasNewerNodes, NEWER_NODES, newerNode } from '../support/newer-nodes.ts';
import { md5, sha256 } from '../support/program.ts';
import { HOST_WAYS, type Order, PATIENT, request, wireTest } from './client.ts';
import { good, head } from './hostile-server.ts';

const BYTES = 300_000;
const FORMER = noise(BYTES, 1);
/** The same with a few other places. */
const WANTED = Buffer.from(FORMER.map((byte, i) => (i % 5_000 === 0 ? byte ^ 0xff : byte)));
const OTHER = noise(BYTES, 2);
const DCZ = { 'content-encoding': 'dcz', etag: '"delta"' };

describe.skipIf(!has('zstd') || !hasNewerNodes())('a delta to a file that lies here (RFC 9842)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bin-proxy-delta-'));
  const file = join(folder, 'former');
  const former = {
    path: file,
    sha256: sha256(FORMER),
    size: BYTES,
    result: { algorithm: 'md5', hex: md5(WANTED) } as const,
  };
  let delta: Buffer;
  beforeAll(() => {
    writeFileSync(file, FORMER);
    delta = dcz(FORMER, WANTED);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What zstd(1) makes of two files, behind the header of RFC 9842. */
  function dcz(from: Buffer, to: Buffer, ...options: readonly string[]): Buffer {
    const [a, b] = [join(folder, sha256(from)), join(folder, sha256(to))];
    writeFileSync(a, from);
    writeFileSync(b, to);
    const frame = execFileSync('zstd', ['-q', '-c', `--patch-from=${a}`, ...options, b], { maxBuffer: 1 << 24 });
    return Buffer.concat([Buffer.from('5e2a4d1820000000', 'hex'), Buffer.from(sha256(from), 'hex'), frame]);
  }

  /** Without knowing how much will come, zstd announces the window that it was told of. */
  function wide(): Buffer {
    const frame = execFileSync('zstd', ['-q', '-c', '--long=28'], { input: WANTED, maxBuffer: 1 << 24 });
    return Buffer.concat([delta.subarray(0, 40), frame]);
  }

  /** Answers with the delta whoever says that he has the former file, and with the file whoever does not. */
  function answer(body: Buffer, headers: Readonly<Record<string, string>> = DCZ) {
    return (socket: Socket, { headers: asked }: { readonly headers: Readonly<Record<string, string>> }) =>
      socket.end(asked['available-dictionary'] === undefined ? good(WANTED) : good(body, headers));
  }

  const ask = (order: Order) => request({ node: newerNode(24), ...order, limits: { former, ...order.limits } });

  describe.each(NEWER_NODES)('on Node %i', PATIENT, (major) => {
    wireTest('is offered, taken, and comes to the whole file', async ({ serve }) => {
      const server = await serve(answer(delta));
      const { answer: got, code } = await ask({ url: server.url(), node: newerNode(major) });
      expect([got, code]).toEqual([{ bytes: BYTES, md5: md5(WANTED), restarts: 0 }, 0]);
      expect(server.requests.map(({ headers }) => headers)).toMatchObject([
        {
          'accept-encoding': 'dcz, identity;q=0.5',
          'available-dictionary': `:${Buffer.from(sha256(FORMER), 'hex').toString('base64')}:`,
        },
      ]);
    });
  });

  describe.each(HOST_WAYS)('by $by', PATIENT, ({ request: by }) => {
    wireTest('is taken, and resumed where it broke off', async ({ serve }) => {
      const half = Math.floor(delta.length / 2);
      const server = await serve((socket, { index, headers }) => {
        if (index === 0) {
          socket.write(head('200 OK', { ...DCZ, 'content-length': delta.length }));
          socket.write(delta.subarray(0, half), () => setTimeout(() => socket.destroy(), 700));
        } else {
          const range = { 'content-range': `bytes ${half}-${delta.length - 1}/${delta.length}` };
          const sent = headers['range'] === `bytes=${half}-` ? delta.subarray(half) : Buffer.alloc(0);
          socket.write(head('206 Partial Content', { ...DCZ, ...range, 'content-length': sent.length }));
          socket.end(sent);
        }
      });
      const { answer: got, trouble } = await by({ url: server.url(), node: newerNode(24), limits: { former } });
      expect(trouble).toBeUndefined();
      expect(got).toEqual({ bytes: BYTES, md5: md5(WANTED), restarts: 0 });
      expect(server.requests).toHaveLength(2);
    });
  });

  describe('which is no good', PATIENT, () => {
    const cut = () => delta.subarray(0, delta.length - 100);
    const flipped = () => Buffer.from(delta.map((byte, i) => (i === delta.length - 50 ? byte ^ 1 : byte)));
    const CASES: readonly (readonly [string, () => Buffer, RegExp])[] = [
      [
        'that begins as something else',
        () => Buffer.concat([Buffer.from('GIF89a00'), delta.subarray(8)]),
        /begins with/,
      ],
      ['to another file', () => dcz(OTHER, WANTED), /it is one to sha256:/],
      ['that is cut short', cut, /comes to|unexpected end/i],
      ['that is damaged', flipped, /of no use/],
      ['that comes to another file', () => dcz(FORMER, OTHER), /comes to md5:/],
      [
        'that comes to more than there may be',
        () => dcz(FORMER, Buffer.alloc(1_000_001)),
        /comes to more than 1000000/,
      ],
      ['that wants a window of 256 MiB', () => wide(), /memory|window/i],
      ['that is nothing', () => Buffer.alloc(0), /comes to/],
    ];

    wireTest.for(CASES)('%s gives way to the whole file', async ([_, body, why], { serve }) => {
      const server = await serve(answer(body()));
      const { answer: got, trouble, code } = await ask({ url: server.url() });
      expect(trouble).toBeUndefined();
      expect(got).toMatchObject({ bytes: BYTES, md5: md5(WANTED), restarts: 1 });
      expect(got?.whole).toEqual([expect.stringMatching(why)]);
      expect([server.requests.length, code]).toEqual([2, 0]);
      expect(server.requests[1]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
    });

    wireTest('gives way to the whole file, within one time limit for both', async ({ serve }) => {
      const server = await serve((socket, { index }) => {
        if (index === 0) socket.end(good(cut(), DCZ));
        else socket.write(head('200 OK', { 'content-length': BYTES }));
      });
      const { trouble, code } = await ask({ url: server.url(), limits: { former, idleMs: 8_000, totalMs: 2_500 } });
      expect([trouble?.message, code]).toEqual([expect.stringMatching(/within 2.5 s/), 0]);
    });
  });

  wireTest('gives way to the whole file where the former one has changed since it was hashed', async ({ serve }) => {
    const server = await serve(answer(delta));
    const changed = join(folder, 'changed');
    writeFileSync(changed, OTHER);
    const { answer: got } = await ask({ url: server.url(), limits: { former: { ...former, path: changed } } });
    expect(got?.md5).toBe(md5(WANTED));
    expect(got?.whole).toEqual([expect.stringMatching(/has changed: expected sha256:/)]);
  });

  wireTest('is not missed where the server sends the file', async ({ serve }) => {
    const server = await serve((socket) => socket.end(good(WANTED)));
    const { answer: got } = await ask({ url: server.url() });
    expect(got).toEqual({ bytes: BYTES, md5: md5(WANTED), restarts: 0 });
    expect(server.requests).toHaveLength(1);
  });

  wireTest('is not asked for by a Node that could not take it', async ({ serve }) => {
    const server = await serve(answer(delta));
    const { answer: got } = await ask({ url: server.url(), node: process.execPath });
    const offers = server.requests.map(({ headers }) => headers['available-dictionary']);
    const can = Number(process.versions.node.split('.')[0]) >= 24;
    expect([got?.md5, offers]).toEqual([md5(WANTED), [can ? expect.stringMatching(/^:.*:$/) : undefined]]);
  });

  wireTest('is not asked for to a file that is larger than what RFC 9842 allows for', async ({ serve }) => {
    const server = await serve(answer(delta));
    const limits = { former: { ...former, size: 2 ** 27 + 1 } };
    expect((await ask({ url: server.url(), limits })).answer?.md5).toBe(md5(WANTED));
    expect(server.requests[0]?.headers).not.toHaveProperty('available-dictionary');
  });

  wireTest('does not hide trouble of the sink', async ({ serve }) => {
    const server = await serve(answer(delta));
    const { trouble } = await ask({ url: server.url(), failingSink: 'the disk is full' });
    expect([trouble?.message, server.requests.length]).toEqual(['the disk is full', 1]);
  });

  wireTest('is not taken from whoever was not told of the former file', async ({ serve }) => {
    const server = await serve((socket) => socket.end(good(delta, DCZ)));
    const { trouble } = await request({ url: server.url(), node: newerNode(24) });
    expect(trouble?.kind).toBe('content-encoding');
    expect(readFileSync(file).equals(FORMER)).toBe(true);
  });
});

/** Bytes that cannot be compressed, always the same ones. */
function noise(bytes: number, seed: number): Buffer {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
  return Buffer.from(Array.from({ length: bytes }, next));
}
