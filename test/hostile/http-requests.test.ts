import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { PATIENT, request, WAYS, wireTest } from './client.ts';
import { good, head } from './hostile-server.ts';

const TWO_FAMILIES = new URL('./two-families.mjs', import.meta.url).href;
const BUSY_SERVER = fileURLToPath(new URL('./busy-server.mjs', import.meta.url));

/** A port that nobody listens on: below those that the kernel gives to whoever asks for any. */
async function deadPort(): Promise<number> {
  for (let port = 20_000 + (process.pid % 10_000); ; port++) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

describe.each(WAYS)('what is sent, by $by', PATIENT, ({ request }) => {
  wireTest.for<['download' | 'text', string]>([
    ['download', '*/*'],
    ['text', 'application/json'],
  ])('says who asks and wants bytes as they are: %s', async ([method, accept], { serve }) => {
    const server = await serve((socket) => socket.end(good('hello')));
    await request({ url: server.url('/a%2Fb?x=1'), method });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      path: '/a%2Fb?x=1',
      headers: {
        'user-agent': 'bin-proxy/test',
        'accept-encoding': 'identity',
        accept,
        host: `127.0.0.1:${server.port}`,
      },
    });
    expect(Object.keys(server.requests[0]?.headers ?? {})).not.toContain('authorization');
  });

  wireTest('holds the token for its own origin and no other (invariant 14)', async ({ serve }) => {
    const server = await serve((socket) => socket.end(good('hello')));
    const token = 'hunter2';
    await request({ url: server.url(), token: { token, for: server.url() } });
    await request({ url: server.url(), token: { token, for: `http://localhost:${server.port}` } });
    await request({ url: server.url(), token: { token, for: `https://127.0.0.1:${server.port}` } });
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer hunter2',
      undefined,
      undefined,
    ]);
  });

  wireTest('does not go to a proxy that only the environment names', async ({ serve }) => {
    const [server, proxy] = [await serve((s) => s.end(good('hello'))), await serve((s) => s.end(good('proxy')))];
    const environment = { HTTP_PROXY: proxy.url('/'), http_proxy: proxy.url('/') };
    expect((await request({ url: server.url(), environment })).answer?.bytes).toBe(5);
    expect(proxy.requests).toEqual([]);
  });
});

describe.each(WAYS)('a server that is not there, by $by', PATIENT, ({ request }) => {
  wireTest.for(['127.0.0.1', 'localhost', '[::1]'])(
    'is told by address and reason, on every family: %s',
    async (host) => {
      const port = await deadPort();
      const { trouble, code } = await request({ url: `http://${host}:${port}/file?token=hunter2` });
      expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
      expect(trouble?.message).toMatch(
        /^no answer from http:\/\/\S+\/file: .*(ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH)/,
      );
      expect(trouble?.message).not.toContain('hunter2');
    },
  );
});

describe('a port that fetch refuses to use', PATIENT, () => {
  wireTest('is told, and what to do about it', async () => {
    const { trouble, code } = await request({ url: 'http://127.0.0.1:22/file', way: { by: 'ky' } });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toBe('no answer from http://127.0.0.1:22/file: bad port');
    expect(trouble?.hint).toMatch(/^HTTP clients refuse this port/);
  });
});

describe.each(WAYS)('a server with a broken address beside a good one, by $by', PATIENT, ({ request }) => {
  wireTest.for([
    ['that refuses', '::1'],
    ['that leads nowhere', '100::1'],
    ['that nobody answers at', 'fd00::dead:beef'],
  ] as const)('%s is reached by the good one: IPv6 is no single point of failure', async ([_, broken], { serve }) => {
    const server = await serve((socket) => socket.end(good('hello')));
    const url = `http://two-families.test:${server.port}/file`;
    const environment = { NODE_OPTIONS: `--import=${TWO_FAMILIES}`, TWO_FAMILIES: `${broken} 127.0.0.1` };
    const { answer, code } = await request({ url, environment });
    expect([answer?.bytes, code]).toEqual([5, 0]);
  });

  wireTest('is reached by the good one where that takes its time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bin-proxy-busy-'));
    const comes = join(folder, 'comes');
    // Longer than two tries of a quarter of a second, which is as long as Node itself has an address tried.
    const server = spawn(process.execPath, [BUSY_SERVER, comes, '1200'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    const crowd = Array.from({ length: 4 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
    const url = `http://two-families.test:${Number(port)}/file`;
    const families = { TWO_FAMILIES: '127.0.0.1 ::1', TWO_FAMILIES_ASKED: comes };
    const { answer, trouble } = await request({
      url,
      environment: { NODE_OPTIONS: `--import=${TWO_FAMILIES}`, ...families },
      limits: { totalMs: 25_000 },
    });
    for (const socket of crowd) socket.destroy();
    server.kill();
    rmSync(folder, { recursive: true });
    expect([answer?.bytes, trouble]).toEqual([5, undefined]);
  });

  wireTest('tells what is wrong with each where none is good', async () => {
    const url = `http://two-families.test:${await deadPort()}/file`;
    const environment = { NODE_OPTIONS: `--import=${TWO_FAMILIES}`, TWO_FAMILIES: '127.0.0.2 127.0.0.1' };
    const { trouble } = await request({ url, environment });
    expect(trouble?.message).toMatch(/: .*ECONNREFUSED 127\.0\.0\.2:\d+.*ECONNREFUSED 127\.0\.0\.1:\d+/);
  });
});

describe.each(WAYS)('a server that does not speak HTTP, by $by', PATIENT, ({ request }) => {
  wireTest.for<[string, string | Buffer]>([
    ['rubbish', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['nothing at all', ''],
    ['half a header', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['TLS', Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x0a])],
  ])('is told in words: %s', async ([_, bytes], { serve }) => {
    const server = await serve((socket) => socket.end(bytes));
    const { trouble, code } = await request({ url: server.url('/file?token=hunter2') });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(/^no answer from http:\/\/127\.0\.0\.1:\d+\/file: \S/);
    expect(trouble?.message).not.toContain('hunter2');
  });

  wireTest('is told for https to a server of plain http', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { trouble, code } = await request({ url: `https://127.0.0.1:${port}/file` });
    await new Promise((resolve) => server.close(resolve));
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(/^no answer from https:\S+: .*(ssl|tls|wrong version|packet length)/i);
  });
});

describe.each(WAYS)('what is told, by $by', PATIENT, ({ request }) => {
  wireTest.for<[string, string]>([
    ['a status', head('404 Not Found')],
    ['a broken transfer', `${head('200 OK', { 'content-length': 9 })}hell`],
    ['an encoding', head('200 OK', { 'content-encoding': 'gzip' })],
    ['a size', head('200 OK', { 'content-length': 9_999_999 })],
    ['a redirect', head('302 Found', { location: 'file:///?token=hunter2' })],
    ['a redirect to a port that is refused', head('302 Found', { location: 'http://127.0.0.1:22/?token=hunter2' })],
  ])('holds neither the token nor the query of the URL (invariant 14): %s', async ([_, bytes], { serve }) => {
    const server = await serve((socket) => socket.end(bytes));
    const url = server.url('/file?token=hunter2&x=1');
    for (const method of ['download', 'text'] as const) {
      const result = await request({ url, method, token: { token: 'hunter2', for: url }, limits: { maxBytes: 1_000 } });
      expect(result.code).toBe(0);
      expect(JSON.stringify(result.trouble ?? {}) + result.stderr).not.toMatch(/hunter2|\?/);
    }
  });

  wireTest('is the trouble of the sink where that is the trouble: it is none of the network', async ({ serve }) => {
    const server = await serve((socket) => socket.end(good('hello', { etag: '"v1"' })));
    const { trouble, code } = await request({ url: server.url(), failingSink: 'the disk is full' });
    expect([trouble, code]).toEqual([{ name: 'Error', message: 'the disk is full' }, 0]);
    expect(server.requests).toHaveLength(1);
  });
});
