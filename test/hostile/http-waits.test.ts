import type { Socket } from 'node:net';
import { describe, expect } from 'vitest';
import { PATIENT, WAYS, wireTest } from './client.ts';
import { good, head } from './hostile-server.ts';

/** Sends a text byte by byte, for as long as the client listens. */
function drip(socket: Socket, text: string): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || sent >= text.length) clearInterval(timer);
    else socket.write(text[sent++] ?? '');
  }, 50);
}

describe.each(WAYS)('a server that keeps its client waiting, by $by', PATIENT, ({ request }) => {
  wireTest.for(['download', 'text'] as const)(
    'before the headers runs into the total limit: %s',
    async (method, { serve }) => {
      const server = await serve(() => {});
      const { trouble, code } = await request({ url: server.url(), method, limits: { totalMs: 700 } });
      expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
      expect(trouble?.message).toBe(`no complete answer from ${server.url()} within 0.7 s`);
    },
  );

  wireTest(
    'before the headers has ten seconds, and then no secret of the URL is told (invariant 14)',
    async ({ serve }) => {
      const server = await serve(() => {});
      const { trouble, code } = await request({ url: server.url('/file?token=hunter2'), limits: { totalMs: 25_000 } });
      expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
      expect(trouble?.message).toBe(`no answer from ${server.url()}: nothing received for 10 s`);
    },
  );

  wireTest('with one byte of header after the other runs into the total limit', async ({ serve }) => {
    const server = await serve((socket) =>
      drip(socket, head('200 OK', { 'content-length': 5, 'x-filler': 'x'.repeat(900) })),
    );
    const { trouble, code } = await request({ url: server.url(), limits: { totalMs: 1_000 } });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(/within 1 s$/);
  });

  wireTest('after the headers has stalled', async ({ serve }) => {
    const server = await serve((socket) => socket.write(head('200 OK', { 'content-length': 5 })));
    const { trouble, code } = await request({ url: server.url(), limits: { idleMs: 300 } });
    expect([trouble?.kind, code]).toEqual(['stalled', 0]);
    expect(trouble?.message).toBe('nothing received for 0.3 s');
  });

  wireTest('after half of the body has stalled', async ({ serve }) => {
    const server = await serve((socket) => socket.write(`${head('200 OK', { 'content-length': 1_000 })}half`));
    const { trouble, code } = await request({ url: server.url(), limits: { idleMs: 300 } });
    expect([trouble?.kind, code]).toEqual(['stalled', 0]);
  });

  wireTest('after the headers of a text runs into the total limit', async ({ serve }) => {
    const server = await serve((socket) => socket.write(`${head('200 OK')}{"data":`));
    const { trouble, code } = await request({ url: server.url(), method: 'text', limits: { totalMs: 500 } });
    expect(code).toBe(0);
    expect(['stalled', 'unreachable']).toContain(trouble?.kind);
    expect(trouble?.message).toMatch(/0\.5 s$/);
  });

  wireTest('with one byte after the other, never silent, runs into the total limit', async ({ serve }) => {
    const server = await serve((socket) => {
      socket.write(head('200 OK', { 'content-length': 1_000 }));
      drip(socket, 'x'.repeat(1_000));
    });
    const { trouble, code } = await request({ url: server.url(), limits: { idleMs: 20_000, totalMs: 1_500 } });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toBe(`no complete answer from ${server.url()} within 1.5 s`);
  });

  wireTest('with less than the minimum rate is given up long before the total limit', async ({ serve }) => {
    const server = await serve((socket) => {
      socket.write(head('200 OK', { 'content-length': 10_000 }));
      drip(socket, 'x'.repeat(10_000));
    });
    const limits = { idleMs: 20_000, totalMs: 24_000, least: { bytes: 1_000, ms: 1_000 } };
    const { trouble, code } = await request({ url: server.url(), limits });
    expect([trouble?.kind, code]).toEqual(['stalled', 0]);
    expect(trouble?.message).toMatch(/^too slow: \d+ bytes in [1-9][\d.]* s, expected at least \d{4,}$/);
  });

  wireTest('with less than the minimum rate gets a second chance on another connection', async ({ serve }) => {
    const server = await serve((socket, { index, headers }) => {
      if (index === 0) {
        socket.write(head('200 OK', { 'content-length': 1_000, etag: '"v1"' }));
        return drip(socket, 'x'.repeat(1_000));
      }
      const from = Number(/^bytes=(\d+)-$/.exec(headers['range'] ?? '')?.[1]);
      const range = { 'content-length': 1_000 - from, 'content-range': `bytes ${from}-999/1000`, etag: '"v1"' };
      socket.end(head('206 Rest', range) + 'x'.repeat(1_000 - from));
    });
    const limits = { idleMs: 20_000, totalMs: 24_000, least: { bytes: 1_000, ms: 1_000 } };
    const { answer, code } = await request({ url: server.url(), limits });
    expect([answer?.bytes, server.requests.length, code]).toEqual([1_000, 2, 0]);
  });

  wireTest('with the minimum rate on the average is waited for, pauses and all', async ({ serve }) => {
    const server = await serve((socket) => {
      socket.write(head('200 OK', { 'content-length': 40_000 }));
      let sent = 0;
      const timer = setInterval(() => {
        if (socket.destroyed || sent === 40_000) return clearInterval(timer);
        socket.write('x'.repeat(10_000));
        sent += 10_000;
      }, 700);
    });
    const limits = { idleMs: 20_000, totalMs: 24_000, least: { bytes: 100, ms: 1_000 } };
    const { answer, code } = await request({ url: server.url(), limits });
    expect([answer?.bytes, code]).toEqual([40_000, 0]);
  });

  wireTest.for<[string, string]>([
    ['100 Continue', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['102 Processing', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['103 Early Hints', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'],
  ])('with interim answers without end runs into a limit: %s', async ([_, interim], { serve }) => {
    const server = await serve((socket) => {
      const pour = () => {
        if (!socket.destroyed) socket.write(interim.repeat(100), () => setTimeout(pour, 10));
      };
      pour();
    });
    const { trouble, code } = await request({ url: server.url(), limits: { totalMs: 2_000 } });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(/within 2 s$|^no answer from \S+: \S/);
  });

  wireTest.for<[string, string]>([
    ['100 Continue', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['103 Early Hints', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'],
  ])('with one interim answer is waited for, or told in words: %s', async ([line, interim], { serve }) => {
    const server = await serve((socket) => {
      socket.write(interim);
      socket.end(good('hello'));
    });
    const { answer, trouble, code } = await request({ url: server.url() });
    expect(code).toBe(0);
    // To an answer that nobody asked for ("Expect: 100-continue" was not sent) Node's fetch says no.
    if (line.startsWith('103')) expect(answer?.bytes).toBe(5);
    else expect(answer?.bytes ?? trouble?.kind).toBe(answer === undefined ? 'unreachable' : 5);
  });

  wireTest('with a connection that it keeps open does not keep the process', async ({ serve }) => {
    const server = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'));
    const { answer, code } = await request({ url: server.url(), method: 'text' });
    expect([answer?.text, code]).toEqual(['hello', 0]);
  });

  wireTest('is left at once when the run is asked to end', async ({ serve }) => {
    const server = await serve((socket) => socket.write(`${head('200 OK', { 'content-length': 1_000 })}half`));
    const limits = { idleMs: 20_000, totalMs: 20_000 };
    const { trouble, code } = await request({ url: server.url(), limits, abortAtBytes: 4 });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(server.requests).toHaveLength(1);
  });
});

describe.each(WAYS)('a server that asks its client to come again, by $by', PATIENT, ({ request }) => {
  wireTest.for(['503 Busy', '429 Too Many'])('in an hour is not waited for: %s', async (line, { serve }) => {
    const server = await serve((socket) => socket.end(head(line, { 'retry-after': 3600, 'content-length': 0 })));
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.name, trouble?.status, code]).toEqual(['HttpStatusError', Number(line.slice(0, 3)), 0]);
    expect(server.requests).toHaveLength(2);
  });

  wireTest('at a time long past is asked again at once', async ({ serve }) => {
    const answer = head('503 Busy', { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT', 'content-length': 0 });
    const server = await serve((socket) => socket.end(answer));
    expect((await request({ url: server.url() })).trouble?.status).toBe(503);
    expect(server.requests).toHaveLength(2);
  });

  wireTest('by a passing error is asked once more, and the answer counts', async ({ serve }) => {
    const server = await serve((socket, { index }) =>
      socket.end(index === 0 ? head('500 Oops', { 'content-length': 0 }) : good('hello')),
    );
    const { answer, code } = await request({ url: server.url() });
    expect([answer?.bytes, server.requests.length, code]).toEqual([5, 2, 0]);
  });

  wireTest('by a passing error without end is asked once more and no further', async ({ serve }) => {
    const server = await serve((socket) => socket.write(`${head('500 Oops')}page `));
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.status, server.requests.length, code]).toEqual([500, 2, 0]);
  });

  wireTest('by a connection that breaks before the answer is asked once more', async ({ serve }) => {
    const server = await serve((socket, { index }) => (index === 0 ? socket.destroy() : socket.end(good('hello'))));
    const { answer, code } = await request({ url: server.url() });
    expect([answer?.bytes, server.requests.length, code]).toEqual([5, 2, 0]);
  });

  wireTest('is asked only once where the answer will stay the same', async ({ serve }) => {
    const server = await serve((socket) => socket.end(head('404 Not Found', { 'content-length': 0 })));
    expect((await request({ url: server.url() })).trouble?.status).toBe(404);
    expect(server.requests).toHaveLength(1);
  });
});
