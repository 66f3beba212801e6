import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect } from 'vitest';
import { HOST_WAYS, PATIENT, wireTest } from './client.ts';
import { good, head } from './hostile-server.ts';

const BODY = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
const HALF = 50_000;

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** Announces the whole and sends the first half. */
function breakOff(socket: Socket, headers: Readonly<Record<string, string>>): void {
  socket.write(head('200 OK', { 'content-length': BODY.length, ...headers }));
  socket.write(BODY.subarray(0, HALF), () => setTimeout(() => socket.destroy(), 100));
}

/** Sends the second half as RFC 9110 has it. */
function goOn(socket: Socket, headers: Readonly<Record<string, string>> = {}, rest = BODY.subarray(HALF)): void {
  const range = `bytes ${HALF}-${BODY.length - 1}/${BODY.length}`;
  socket.write(head('206 Partial Content', { 'content-length': rest.length, 'content-range': range, ...headers }));
  socket.end(rest);
}

describe.each(HOST_WAYS)('a transfer that breaks off, by $by', PATIENT, ({ request }) => {
  wireTest('is resumed where it broke, if the file is still the same', async ({ serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else goOn(socket, { etag: '"v1"' });
    });
    const { answer, code } = await request({ url: server.url() });
    expect([answer, code]).toEqual([{ bytes: BODY.length, md5: md5(BODY), restarts: 0 }, 0]);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.headers).toMatchObject({ range: `bytes=${HALF}-`, 'if-range': '"v1"' });
  });

  wireTest('is resumed by date where there is no ETag', async ({ serve }) => {
    const date = 'Mon, 06 May 2030 07:08:09 GMT';
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { 'last-modified': date });
      else goOn(socket);
    });
    const { answer } = await request({ url: server.url() });
    expect(answer?.md5).toBe(md5(BODY));
    expect(server.requests[1]?.headers).toMatchObject({ 'if-range': date });
  });

  wireTest('is resumed with the token for the same origin', async ({ serve }) => {
    const server = await serve((socket, { index }) =>
      index === 0 ? breakOff(socket, { etag: '"v1"' }) : goOn(socket),
    );
    await request({ url: server.url(), token: { token: 'hunter2', for: server.url() } });
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer hunter2',
      'Bearer hunter2',
    ]);
  });

  wireTest('is resumed after a silence as well, and nobody waits for the silent connection', async ({ serve }) => {
    const server = await serve((socket, { index }) => {
      if (index > 0) return goOn(socket);
      socket.write(head('200 OK', { 'content-length': BODY.length, etag: '"v1"' }));
      socket.write(BODY.subarray(0, HALF));
    });
    const { answer, code } = await request({ url: server.url(), limits: { idleMs: 1_500 } });
    expect([answer?.md5, code]).toEqual([md5(BODY), 0]);
  });

  wireTest('begins anew where the server knows no ranges', async ({ serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else socket.end(good(BODY, { etag: '"v1"' }));
    });
    const { answer, code } = await request({ url: server.url() });
    expect([answer, code]).toEqual([{ bytes: BODY.length, md5: md5(BODY), restarts: 1 }, 0]);
  });

  wireTest('begins anew where the file has changed in between', async ({ serve }) => {
    const other = Buffer.alloc(70_000, 'y');
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else socket.end(good(other, { etag: '"v2"' }));
    });
    const { answer, code } = await request({ url: server.url() });
    expect([answer, code]).toEqual([{ bytes: other.length, md5: md5(other), restarts: 1 }, 0]);
  });

  wireTest('is not glued to the rest of another file, whatever the server thinks of If-Range', async ({ serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else goOn(socket, { etag: '"v2"' });
    });
    const { trouble, code } = await request({ url: server.url() });
    expect(['truncated', 'unreachable']).toContain(trouble?.kind);
    expect(code).toBe(0);
  });

  wireTest.for<[string, string]>([
    ['from the beginning', `bytes 0-${BODY.length - 1}/${BODY.length}`],
    ['from somewhere else', `bytes ${HALF + 1}-${BODY.length - 1}/${BODY.length}`],
    ['in other units', `lines ${HALF}-${BODY.length - 1}/${BODY.length}`],
    ['nowhere', ''],
    ['of a larger file', `bytes ${HALF}-${BODY.length - 1}/${BODY.length + 1}`],
    ['twice as much', `bytes ${HALF}-${BODY.length - 1}/${BODY.length}, bytes 0-1/2`],
  ])('is given up where the rest is said to be %s', async ([_, range], { serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else goOn(socket, { 'content-range': range });
    });
    const { trouble, code } = await request({ url: server.url() });
    expect(['truncated', 'unreachable']).toContain(trouble?.kind);
    expect([trouble?.message.length !== 0, code]).toEqual([true, 0]);
  });

  wireTest('is resumed where the server does not know how long the whole is', async ({ serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else goOn(socket, { 'content-range': `bytes ${HALF}-${BODY.length - 1}/*` });
    });
    expect((await request({ url: server.url() })).answer?.md5).toBe(md5(BODY));
  });

  wireTest('is given up where the rest is not all of it', async ({ serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else goOn(socket, { etag: '"v1"' }, BODY.subarray(HALF, HALF + 10));
    });
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.kind, trouble?.message, code]).toEqual(['truncated', 'expected 100000 bytes, received 50010', 0]);
  });

  wireTest.for<[string, Readonly<Record<string, string>>]>([
    ['nothing tells whether the file is the same', {}],
    ['only a weak ETag does', { etag: 'W/"v1"' }],
  ])('is not resumed where %s', async ([_, headers], { serve }) => {
    const server = await serve((socket, { index }) => (index === 0 ? breakOff(socket, headers) : goOn(socket)));
    const { trouble, code } = await request({ url: server.url() });
    expect(['truncated', 'unreachable']).toContain(trouble?.kind);
    expect([server.requests.length, code]).toEqual([1, 0]);
  });

  wireTest('is resumed once, not for ever', async ({ serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else {
        socket.write(
          head('206 Partial Content', {
            'content-length': HALF,
            'content-range': `bytes ${HALF}-99999/100000`,
            etag: '"v1"',
          }),
        );
        socket.write(BODY.subarray(HALF, HALF + 10), () => setTimeout(() => socket.destroy(), 100));
      }
    });
    const { trouble, code } = await request({ url: server.url() });
    expect(['truncated', 'unreachable']).toContain(trouble?.kind);
    expect([server.requests.length, code]).toEqual([2, 0]);
  });

  wireTest.for([404, 416, 500])('tells how it broke where the rest is refused with %i', async (status, { serve }) => {
    const server = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else socket.end(head(`${status} No`, { 'content-length': 0 }));
    });
    const { trouble, code } = await request({ url: server.url() });
    expect(['truncated', 'unreachable']).toContain(trouble?.kind);
    expect(code).toBe(0);
  });

  wireTest('keeps to the size limit over both halves', async ({ serve }) => {
    const server = await serve((socket, { index }) =>
      index === 0 ? breakOff(socket, { etag: '"v1"' }) : goOn(socket),
    );
    const { trouble, code } = await request({ url: server.url(), limits: { maxBytes: BODY.length } });
    expect([trouble, code]).toEqual([undefined, 0]);
    const more = await serve((socket, { index }) => {
      if (index === 0) breakOff(socket, { etag: '"v1"' });
      else goOn(socket, {}, Buffer.alloc(HALF + 1));
    });
    const over = await request({ url: more.url(), limits: { maxBytes: BODY.length } });
    expect(over.trouble?.kind).toBe('too-large');
  });
});
