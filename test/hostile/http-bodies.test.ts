import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { PATIENT, WAYS, wireTest } from './client.ts';
import { good, head } from './hostile-server.ts';

const BODY = Buffer.alloc(100_000, 'x');
const HALF = BODY.subarray(0, 50_000);

describe.each(WAYS)('a body that is cut off, by $by', PATIENT, ({ request }) => {
  wireTest('without a Content-Length is delivered as far as it came: only its digest can tell', async ({ serve }) => {
    const server = await serve((socket) => socket.end(Buffer.concat([Buffer.from(head('200 OK')), HALF])));
    const { answer, code } = await request({ url: server.url() });
    expect([answer?.bytes, code]).toEqual([HALF.length, 0]);
    expect(answer?.md5).toBe(createHash('md5').update(HALF).digest('hex'));
  });

  wireTest('with a Content-Length is truncated', async ({ serve }) => {
    const server = await serve((socket) => {
      socket.end(Buffer.concat([Buffer.from(head('200 OK', { 'content-length': BODY.length })), HALF]));
    });
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.name, code]).toEqual(['HttpTrouble', 0]);
    expect(['truncated', 'unreachable']).toContain(trouble?.kind);
    expect(trouble?.message).toMatch(/broke off: \S|expected 100000 bytes, received 50000/);
  });

  wireTest('in the middle of a chunk broke off', async ({ serve }) => {
    const server = await serve((socket) => {
      socket.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000\r\n${'x'.repeat(1_000)}`);
    });
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(/^the transfer broke off: \S/);
  });

  wireTest(
    'in the middle of a chunk, of a connection to be closed, may pass for whole: only its digest can tell',
    async ({ serve }) => {
      const server = await serve((socket) => {
        socket.end(`${head('200 OK', { 'transfer-encoding': 'chunked' })}10000\r\n${'x'.repeat(1_000)}`);
      });
      const { answer, trouble, code } = await request({ url: server.url() });
      expect([answer?.bytes ?? trouble?.kind, code]).toEqual([answer === undefined ? 'unreachable' : 1_000, 0]);
    },
  );

  wireTest('by a reset is never taken for a whole one', async ({ serve }) => {
    const server = await serve((socket) => {
      socket.write(Buffer.concat([Buffer.from(head('200 OK')), HALF]), () =>
        setTimeout(() => socket.resetAndDestroy(), 50),
      );
    });
    const { answer, trouble, code } = await request({ url: server.url() });
    expect(code).toBe(0);
    if (answer === undefined) expect(trouble?.kind).toBe('unreachable');
    else expect(answer.bytes).toBeLessThan(BODY.length);
  });

  wireTest('by a Content-Length that is too small is delivered that far', async ({ serve }) => {
    const server = await serve((socket) => {
      socket.end(Buffer.concat([Buffer.from(head('200 OK', { 'content-length': 10 })), HALF]));
    });
    const { answer, code } = await request({ url: server.url() });
    expect([answer?.bytes, code]).toEqual([10, 0]);
  });
});

describe.each(WAYS)('an answer of HTTP/1.0, by $by', PATIENT, ({ request }) => {
  wireTest.for<[string, string, string | number]>([
    ['with a length is whole', `content-length: 5\r\n\r\nhello`, 5],
    ['without a length ends with its connection', '\r\nhello', 5],
    ['with a length that is too large is cut off', 'content-length: 9\r\n\r\nhello', 'broken'],
  ])('%s', async ([_, rest, expected], { serve }) => {
    const server = await serve((socket) => socket.end(`HTTP/1.0 200 OK\r\n${rest}`));
    const { answer, trouble, code } = await request({ url: server.url() });
    expect(code).toBe(0);
    if (expected === 'broken') expect(['truncated', 'unreachable']).toContain(trouble?.kind);
    else expect(answer?.bytes).toBe(expected);
  });
});

describe.each(WAYS)('a content encoding that nobody asked for, by $by', PATIENT, ({ request }) => {
  const encoded = (body: Buffer) =>
    Buffer.concat([Buffer.from(head('200 OK', { 'content-encoding': 'gzip', 'content-length': body.length })), body]);

  wireTest.for<[string, Buffer]>([
    ['real gzip', encoded(gzipSync(BODY))],
    ['gzip that is none: on Node 20 its body never settles', encoded(BODY)],
    [
      'gzip that is cut off',
      Buffer.concat([Buffer.from(head('200 OK', { 'content-encoding': 'gzip' })), gzipSync(BODY).subarray(0, 60)]),
    ],
    ['a bomb', encoded(gzipSync(Buffer.alloc(20_000_000)))],
    ['with no body at all', Buffer.from(head('200 OK', { 'content-encoding': 'br', 'content-length': 0 }))],
  ])('is refused, for files and for texts: %s', async ([_, bytes], { serve }) => {
    const server = await serve((socket) => socket.end(bytes));
    for (const method of ['download', 'text'] as const) {
      const { trouble, code } = await request({ url: server.url(), method });
      expect([trouble?.kind, code]).toEqual(['content-encoding', 0]);
      expect(trouble?.message).toMatch(/answers in content-encoding "(gzip|br)", which was not asked for$/);
    }
  });

  wireTest('is refused on an error page as well', async ({ serve }) => {
    const server = await serve((socket) =>
      socket.end(head('500 No', { 'content-encoding': 'gzip' }) + BODY.toString()),
    );
    const { trouble, code } = await request({ url: server.url(), method: 'text' });
    expect([trouble?.kind, code]).toEqual(['content-encoding', 0]);
  });

  wireTest('is none where it says identity', async ({ serve }) => {
    const server = await serve((socket) => socket.end(good(BODY, { 'content-encoding': 'identity' })));
    expect((await request({ url: server.url() })).answer?.bytes).toBe(BODY.length);
  });
});

describe.each(WAYS)('a body that is too large, by $by', PATIENT, ({ request }) => {
  wireTest('is refused by what its header announces', async ({ serve }) => {
    const server = await serve((socket) => socket.write(head('200 OK', { 'content-length': 1_000_001 })));
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.kind, code]).toEqual(['too-large', 0]);
    expect(trouble?.message).toBe('the server announces 1000001 bytes, at most 1000000 fit');
  });

  wireTest.for(['download', 'text'] as const)(
    'is given up while it streams without end: %s',
    async (method, { serve }) => {
      const server = await serve((socket) => {
        socket.write(head('200 OK'));
        const pour = () => {
          if (!socket.destroyed) socket.write(BODY, pour);
        };
        pour();
      });
      const { trouble, code } = await request({ url: server.url(), method });
      expect([trouble?.kind, code]).toEqual(['too-large', 0]);
      expect(trouble?.message).toBe('the answer is larger than 1000000 bytes');
    },
  );

  wireTest('is one byte over: the limit itself still fits', async ({ serve }) => {
    const server = await serve((socket) => socket.end(good(BODY)));
    expect((await request({ url: server.url(), limits: { maxBytes: BODY.length } })).answer?.bytes).toBe(BODY.length);
    expect((await request({ url: server.url(), limits: { maxBytes: BODY.length - 1 } })).trouble?.kind).toBe(
      'too-large',
    );
  });
});

describe.each(WAYS)('a status that is not 200, by $by', PATIENT, ({ request }) => {
  wireTest.for<[string, number]>([
    ['204 No Content', 204],
    ['206 Partial Content', 206],
    ['404 Not Found', 404],
    ['418 Teapot', 418],
  ])('is no file: %s', async ([line, status], { serve }) => {
    const server = await serve((socket) => socket.end(head(line)));
    const { trouble, code } = await request({ url: server.url('/file?secret=1') });
    expect([trouble?.name, trouble?.status, code]).toEqual(['HttpStatusError', status, 0]);
    expect(trouble?.message).toBe(`HTTP ${status} from ${server.url()}`);
  });

  wireTest(
    'is no file either where its body never ends: nobody reads it, and nobody waits for it',
    async ({ serve }) => {
      const server = await serve((socket) => socket.write(`${head('404 Not Found')}sorry, `));
      const { trouble, code } = await request({ url: server.url() });
      expect([trouble?.status, code]).toEqual([404, 0]);
    },
  );

  wireTest.for<[string, number, string]>([
    ['204 No Content', 204, ''],
    ['404 Not Found', 404, 'no such release'],
    ['206 Partial Content', 206, 'half'],
    ['304 Not Modified', 304, ''],
    ['511 Network Authentication Required', 511, '<html>log in</html>'],
  ])('is handed over with its text: %s', async ([line, status, text], { serve }) => {
    const server = await serve((socket) => socket.end(head(line, { 'content-type': 'text/plain' }) + text));
    const { answer, code } = await request({ url: server.url(), method: 'text' });
    expect([answer, code]).toEqual([{ status, text, contentType: 'text/plain' }, 0]);
  });
});
