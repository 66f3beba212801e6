import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';
import { ForwardProxy, type ForwardProxyOptions } from '../support/forward-proxy.ts';
import { type Order, PATIENT, request, wireTest } from './client.ts';
import { good, HostileServer, head } from './hostile-server.ts';

const proxyTest = wireTest.extend<{ proxy: (options?: ForwardProxyOptions) => Promise<ForwardProxy> }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  proxy: async ({}, use) => {
    const running: ForwardProxy[] = [];
    await use(async (options) => {
      const proxy = await new ForwardProxy(options).listen();
      running.push(proxy);
      return proxy;
    });
    await Promise.all(running.map((proxy) => proxy.stop()));
  },
});

/** A name that only the proxy knows. */
function behind({ port }: HostileServer, path = '/file'): string {
  return `http://releases.internal:${port}${path}`;
}

describe('a proxy for http', PATIENT, () => {
  proxyTest('is asked for the whole address, and the server gets what it would get', async ({ serve, proxy }) => {
    const [server, between] = [await serve((socket) => socket.end(good('hello'))), await proxy()];
    const url = behind(server, '/a%2Fb?x=1');
    const order: Order = { url, token: { token: 'hunter2', for: url }, way: { http: between.url() } };
    const { answer, code } = await request(order);
    expect([answer?.bytes, code]).toEqual([5, 0]);
    expect(between.requests).toEqual([`GET ${url}`]);
    expect(server.requests[0]).toMatchObject({
      path: '/a%2Fb?x=1',
      headers: {
        host: `releases.internal:${server.port}`,
        authorization: 'Bearer hunter2',
        'accept-encoding': 'identity',
      },
    });
  });

  proxyTest('gets its user and password, and the server gets neither', async ({ serve, proxy }) => {
    const server = await serve((socket) => socket.end(good('hello')));
    const between = await proxy({ account: 'ana:p@ss:w%rd' });
    const { answer } = await request({ url: behind(server), way: { http: between.url('ana:p%40ss%3Aw%25rd') } });
    expect(answer?.bytes).toBe(5);
    expect(Object.keys(server.requests[0]?.headers ?? {})).not.toContain('proxy-authorization');
  });

  proxyTest.for<[string, string, (proxy: string) => Order['way']]>([
    ['for another scheme', '0.0.0.0', (https) => ({ https })],
    ['for this host', '127.0.0.1', (http) => ({ http })],
    ['where no_proxy says so', '0.0.0.0', (http) => ({ http, none: ['0.0.0.0/32'] })],
  ])('is not used %s', async ([_, host, way], { serve, proxy }) => {
    const [server, between] = [await serve((socket) => socket.end(good('hello'))), await proxy()];
    const order = { url: server.url().replace('127.0.0.1', host), way: way(between.url()) };
    expect((await request(order as Order)).answer?.bytes).toBe(5);
    expect(between.requests).toEqual([]);
  });

  proxyTest('is chosen anew for every redirect', async ({ serve, proxy }) => {
    const between = await proxy();
    const other = await serve((socket) => socket.end(good('hello')));
    const server = await serve((socket) => socket.end(head('302 Found', { location: other.url('/straight') })));
    expect((await request({ url: behind(server), way: { http: between.url() } })).answer?.bytes).toBe(5);
    expect(between.requests).toEqual([`GET ${behind(server)}`]);
    expect(other.requests.map(({ path }) => path)).toEqual(['/straight']);
  });

  proxyTest('serves a resumed download', async ({ serve, proxy }) => {
    const between = await proxy();
    const server = await serve((socket, { index, headers }) => {
      if (index === 0) {
        socket.write(head('200 OK', { 'content-length': 10, etag: '"v1"' }));
        socket.write('01234', () => setTimeout(() => socket.destroy(), 100));
      } else {
        expect(headers['range']).toBe('bytes=5-');
        socket.end(`${head('206 Rest', { 'content-length': 5, 'content-range': 'bytes 5-9/10', etag: '"v1"' })}56789`);
      }
    });
    const { answer, code } = await request({ url: behind(server), way: { http: between.url() } });
    expect([answer?.bytes, code]).toEqual([10, 0]);
  });
});

const SECRET = 'hunter2';

describe('trouble with a proxy', PATIENT, () => {
  const told = async (order: Order) => {
    const result = await request(order);
    expect(result.code).toBe(0);
    expect(JSON.stringify(result.trouble) + result.stderr).not.toContain(SECRET);
    expect(JSON.stringify(result.trouble) + result.stderr).not.toContain(
      Buffer.from(`ana:${SECRET}`).toString('base64'),
    );
    return { ...result.trouble, text: result.trouble?.message.replaceAll(/:\d+/g, ':PORT') };
  };

  proxyTest.for(['http', 'https'] as const)(
    'is told as its own where it wants another password, once, and without the password (invariant 14): %s',
    async (scheme, { proxy }) => {
      const between = await proxy({ account: 'ana:other' });
      const way = { [scheme]: between.url(`ana:${SECRET}`) };
      const { text, kind, hint } = await told({ url: `${scheme}://releases.internal:8443/file`, way });
      expect(text).toBe(
        `no answer from ${scheme}://releases.internal:PORT/file: the proxy http://127.0.0.1:PORT wants a valid user and password (HTTP 407)`,
      );
      expect([kind, hint]).toEqual(['unreachable', `Correct them in ${scheme}_proxy: http://USER:PASSWORD@HOST:PORT`]);
      expect(between.requests).toHaveLength(1);
    },
  );

  proxyTest.for([403, 502, 503])('is told as its own where it refuses to connect: %i', async (status, { proxy }) => {
    const between = await proxy({ refusal: `HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n` });
    const { text, hint } = await told({ url: 'https://releases.internal/file', way: { https: between.url() } });
    expect(text).toBe(
      `no answer from https://releases.internal/file: the proxy http://127.0.0.1:PORT refuses to connect (HTTP ${status})`,
    );
    expect(hint).toBe('Allow it there, or name the host in no_proxy.');
  });

  proxyTest.for(['http', 'https'] as const)(
    'is told as its own where it is not there: %s',
    async (scheme, { proxy }) => {
      const between = await proxy();
      const url = between.url(`ana:${SECRET}`);
      await between.stop();
      const { text } = await told({ url: `${scheme}://releases.internal/file`, way: { [scheme]: url } });
      expect(text).toMatch(
        /^no answer from https?:\/\/releases\.internal\/file: the proxy http:\/\/127\.0\.0\.1:PORT cannot be reached: connect ECONNREFUSED/,
      );
    },
  );

  proxyTest.for<[string, string | Buffer]>([
    ['rubbish', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['nothing', ''],
    ['a redirect to a login page', head('302 Found', { location: 'http://login.internal/' })],
    ['network authentication required', head('511 Login', { 'content-length': 0 })],
    ['a page in place of a tunnel', good('<html>please log in</html>')],
  ])('for https is told with its name where it answers with %s', async ([_, bytes], { serve }) => {
    const portal = await serve((socket) => socket.end(bytes));
    const { text, kind } = await told({
      url: 'https://releases.internal/file',
      way: { https: portal.url('/').replace('//', `//ana:${SECRET}@`) },
    });
    expect(kind).toBe('unreachable');
    expect(text).toMatch(/^no answer from https:\/\/releases\.internal\/file: the proxy http:\/\/127\.0\.0\.1:PORT \S/);
  });

  proxyTest.for(['http', 'https'] as const)(
    'that never answers ends with the limit, and nothing is left that keeps the process: %s',
    async (scheme, { serve }) => {
      const silent = await serve(() => {});
      const way = { [scheme]: silent.url('/') };
      const { text } = await told({ url: `${scheme}://releases.internal/file`, way, limits: { totalMs: 500 } });
      expect(text).toBe(`no complete answer from ${scheme}://releases.internal/file within 0.5 s`);
    },
  );

  proxyTest(
    'for http that shows a login page is no trouble that HTTP could tell: the digest does',
    async ({ serve }) => {
      const portal = await serve((socket, { path }) =>
        socket.end(
          path.includes('login')
            ? good('<html>login</html>')
            : head('302 Found', { location: 'http://login.internal/login' }),
        ),
      );
      const { answer } = await request({ url: 'http://releases.internal/file', way: { http: portal.url('/') } });
      expect(answer?.bytes).toBe(18);
    },
  );
});

describe.skipIf(!has('openssl'))('a proxy for https', PATIENT, () => {
  let authority: Authority;
  let server: HostileServer;

  beforeAll(async () => {
    authority = new Authority();
    const identity = authority.issue({ names: 'DNS:releases.internal' });
    server = await new HostileServer((socket) => socket.end(good('hello')), identity).listen();
  });

  afterAll(async () => {
    await server.stop();
    authority.remove();
  });

  const url = () => `https://releases.internal:${server.port}/file`;

  proxyTest('makes a tunnel, and sees neither token nor path', async ({ proxy }) => {
    const between = await proxy({ account: `ana:${SECRET}` });
    const { answer, code } = await request({
      url: url(),
      token: { token: SECRET, for: url() },
      way: { https: between.url(`ana:${SECRET}`), certificates: [authority.cert] },
    });
    expect([answer?.bytes, code]).toEqual([5, 0]);
    expect(between.requests).toEqual([`CONNECT releases.internal:${server.port}`]);
    expect(between.headers[0]).not.toHaveProperty('authorization');
    expect(server.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${SECRET}` });
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  proxyTest('does not make a certificate good', async ({ proxy }) => {
    const between = await proxy();
    const { trouble } = await request({ url: url(), way: { https: between.url() } });
    expect(trouble?.message).toMatch(
      /the proxy http:\S+ stands between: .*(unable to verify|self-signed|local issuer)/,
    );
    expect(trouble?.hint).toMatch(/BIN_PROXY_CA_FILE/);
  });

  proxyTest('does not make a name good', async ({ proxy }) => {
    const between = await proxy();
    const way = { https: between.url(), certificates: [authority.cert] };
    const { trouble } = await request({ url: url().replace('releases', 'other'), way });
    expect(trouble?.message).toMatch(/Host: other\.internal\. is not in the cert's altnames: DNS:releases\.internal/);
  });

  proxyTest('may itself speak TLS', async ({ serve, proxy }) => {
    const inner = await proxy();
    const { createServer } = await import('node:tls');
    const { connect } = await import('node:net');
    const outer = createServer(authority.issue(), (socket) => {
      socket.on('error', () => {});
      const onward = connect(Number(new URL(inner.url()).port), '127.0.0.1').on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => outer.listen(0, '127.0.0.1', resolve));
    const proxyUrl = `https://127.0.0.1:${(outer.address() as { port: number }).port}`;
    const way = { https: proxyUrl, http: proxyUrl, certificates: [authority.cert] };
    const plain = await serve((socket) => socket.end(good('plain!')));
    expect((await request({ url: url(), way })).answer?.bytes).toBe(5);
    expect((await request({ url: behind(plain), way })).answer?.bytes).toBe(6);
    outer.close();
  });
});
