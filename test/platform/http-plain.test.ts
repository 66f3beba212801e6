import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PlainWay } from '../../src/platform/http-plain.ts';
import type { HttpAnswer } from '../../src/platform/http-way.ts';
import { has } from '../support/components.ts';
import type { Daemon } from '../support/daemon.ts';
import { ManagerServer } from '../support/manager-server.ts';
import { startPlainNginx } from '../support/nginx.ts';
import { StoreFolder } from '../support/release-store.ts';

/** A way that has nothing but sockets. */
function plainWay(): PlainWay {
  return new PlainWay(() => Promise.reject(new Error('another way was asked for')));
}

function get(way: PlainWay, url: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return way.get(new URL(url), { headers, signal: new AbortController().signal });
}

async function textOf(answer: HttpAnswer): Promise<string> {
  const all: Uint8Array[] = [];
  for (let some = await answer.read(); some.length > 0; some = await answer.read()) all.push(...some);
  return Buffer.concat(all).toString('latin1');
}

async function ask(way: PlainWay, url: string, headers?: Readonly<Record<string, string>>): Promise<[number, string]> {
  const answer = await get(way, url, headers);
  return [answer.status, await textOf(answer)];
}

interface Serving {
  readonly url: string;
  readonly server: Server;
  /** How many connections it has had. */
  readonly connections: () => number;
}

interface Fixtures {
  /** Starts a server of Node's own, that is gone after the test. */
  readonly serve: (answer: RequestListener, host?: string) => Promise<Serving>;
  /** Starts a server that is told each request's end, and knows nothing else of HTTP. */
  readonly serveBytes: (answer: (socket: Socket, index: number) => void) => Promise<string>;
}

const plainTest = it.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  serve: async ({}, use) => {
    const running: Server[] = [];
    await use(async (answer, host = '127.0.0.1') => {
      const server = createServer(answer);
      running.push(server);
      let connections = 0;
      server.on('connection', () => connections++);
      await new Promise<void>((resolve) => server.listen(0, host, resolve));
      const { port } = server.address() as AddressInfo;
      const name = host.includes(':') ? `[${host}]` : host;
      return { url: `http://${name}:${port}/`, server, connections: () => connections };
    });
    for (const server of running) {
      server.closeAllConnections();
      server.close();
    }
  },
  // biome-ignore lint/correctness/noEmptyPattern: the same
  serveBytes: async ({}, use) => {
    const sockets = new Set<Socket>();
    let asked = 0;
    let answer: (socket: Socket, index: number) => void = () => {};
    const server = createSocketServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        if (bytes.includes('\r\n\r\n')) answer(socket, asked++);
      });
    });
    await use(async (how) => {
      answer = how;
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    });
    for (const socket of sockets) socket.destroy();
    server.close();
  },
});

/**
 * The connections that have carried a request, once for each. nginx writes the line of one after its answer, and does one
 * thing after the other: when it answers another question, with 403, all lines before are there.
 */
async function carried(nginx: Daemon): Promise<readonly string[]> {
  expect(await ask(plainWay(), `http://127.0.0.1:${nginx.port}/`)).toMatchObject([403, expect.anything()]);
  return nginx.log().match(/^\d+(?= (?!403))/gm) ?? [];
}

describe.skipIf(!has('nginx'))('over a bare socket, the real nginx', () => {
  it('answers a hundred requests over at most sixteen connections, and 304 where nothing is new', async () => {
    const nginx = await startPlainNginx('');
    nginx.write('www/file', 'hello');
    const way = plainWay();
    const url = `http://127.0.0.1:${nginx.port}/file`;
    const etag = (await get(way, url)).header('etag') ?? '';
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) => ask(way, url, i % 2 === 0 ? {} : { 'if-none-match': etag })),
    );
    expect(all).toEqual(Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? [200, 'hello'] : [304, ''])));
    const connections = new Set(await carried(nginx));
    await nginx.stop();
    expect(connections.size).toBe(16);
  });

  it('is understood in chunks, by the end of a connection, and when it wants no more on one', async () => {
    // What it puts together itself has no length.
    const nginx = await startPlainNginx(`ssi on; ssi_types *; keepalive_requests 3;
      location /plain/ { alias www/; chunked_transfer_encoding off; }`);
    const body = 'x'.repeat(300_000);
    nginx.write('www/page', `<!--#set var="a" value="b" -->${body}`);
    const way = plainWay();
    const url = `http://127.0.0.1:${nginx.port}`;
    const chunked = await get(way, `${url}/page`);
    expect([chunked.header('transfer-encoding'), await textOf(chunked)]).toEqual(['chunked', body]);
    const cut = await get(way, `${url}/plain/page`);
    expect([cut.header('transfer-encoding'), cut.header('content-length')]).toEqual([undefined, undefined]);
    expect(await textOf(cut)).toBe(body);
    for (let i = 0; i < 8; i++) expect(await ask(way, `${url}/nothing`)).toMatchObject([404, expect.anything()]);
    const connections = await carried(nginx);
    await nginx.stop();
    expect([connections.length, new Set(connections).size]).toEqual([10, 4]);
  });
});

describe('over a bare socket, the real bin-manager serve', () => {
  it('answers over one connection, and 304 where nothing is new', async () => {
    const store = new StoreFolder();
    await store.publish('app', '#!/bin/sh\n', '--version', '1');
    const server = await ManagerServer.start(store);
    const way = plainWay();
    const url = `${server.api}/index.json`;
    const first = await get(way, url);
    expect(JSON.parse(await textOf(first))).toMatchObject({ schema: 'bin-manager/index/1' });
    expect(await ask(way, url, { 'if-none-match': first.header('etag') ?? '' })).toEqual([304, '']);
    expect(await ask(way, `${server.api}/releases/latest/app/download`)).toEqual([200, '#!/bin/sh\n']);
    await server.stop();
    store.remove();
  });
});

describe('over a bare socket, a server', () => {
  plainTest('is asked as RFC 9112 has it', async ({ serve }) => {
    const requests: IncomingMessage[] = [];
    const { url } = await serve((request, response) => {
      requests.push(request);
      response.end();
    });
    await ask(plainWay(), `${url}a%2Fb/ü?x=1&y#z`, { 'user-agent': 'me', accept: '*/*' });
    const [{ method, url: target, httpVersion, rawHeaders } = {} as IncomingMessage] = requests;
    expect([method, target, httpVersion]).toEqual(['GET', '/a%2Fb/%C3%BC?x=1&y', '1.1']);
    const { host } = new URL(url);
    expect(rawHeaders).toEqual(['Host', host, 'Connection', 'keep-alive', 'user-agent', 'me', 'accept', '*/*']);
  });

  plainTest('is reached by a name of two families, and by IPv6', async ({ serve }) => {
    const { url } = await serve((request, response) => response.end(request.headers.host));
    const port = new URL(url).port;
    expect(await ask(plainWay(), `http://localhost:${port}/`)).toEqual([200, `localhost:${port}`]);
    const six = await serve((request, response) => response.end(request.headers.host), '::1');
    expect(await ask(plainWay(), six.url)).toEqual([200, new URL(six.url).host]);
  });

  plainTest.for(['a\r\nx: y', 'a\nb', 'a\0', 'a\u{1f600}'])(
    'is sent nothing where a header is none, and the value is not told: %j',
    async (value, { serve }) => {
      const { url, connections } = await serve((_, response) => response.end());
      const asked = get(plainWay(), url, { authorization: value });
      await expect(asked).rejects.toThrow('the header authorization holds what no header may hold');
      expect(connections()).toBe(0);
    },
  );

  plainTest('has at most sixteen requests at once, and what is given up in the line is gone', async ({ serve }) => {
    const held: (() => void)[] = [];
    const { url, connections } = await serve((request, response) => {
      held.push(() => response.end(request.url));
    });
    const way = plainWay();
    const stops = Array.from({ length: 20 }, () => new AbortController());
    const asked = stops.map(({ signal }, i) => way.get(new URL(`${url}${i}`), { headers: {}, signal }).then(textOf));
    const last = Promise.allSettled(asked);
    while (held.length < 16) await turn();
    stops[17]?.abort(new Error('enough'));
    await expect(asked[17]).rejects.toThrow('given up');
    expect([held.length, connections()]).toEqual([16, 16]);
    for (let answered = 0; answered < 19; answered++) {
      while (held.length <= answered) await turn();
      held[answered]?.();
    }
    const texts = (await last).map((one) => (one.status === 'fulfilled' ? one.value : 'given up'));
    expect(texts).toEqual(Array.from({ length: 20 }, (_, i) => (i === 17 ? 'given up' : `/${i}`)));
    expect(connections()).toBe(16);
  });

  plainTest('may close what it kept: the next request has a connection of its own', async ({ serve }) => {
    const { url, server, connections } = await serve((request, response) => response.end(request.url));
    const way = plainWay();
    for (const path of ['/0', '/1', '/2']) {
      expect(await ask(way, `${url}${path.slice(1)}`)).toEqual([200, path]);
      expect(await ask(way, `${url}again`)).toEqual([200, '/again']);
      server.closeIdleConnections();
      await turn();
    }
    expect(connections()).toBe(3);
  });

  plainTest('may break what it kept just as it is asked: it is asked once more', async ({ serveBytes }) => {
    const connections = new Set<Socket>();
    const url = await serveBytes((socket, index) => {
      connections.add(socket);
      if (index === 1) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
    });
    const way = plainWay();
    expect(await ask(way, url)).toEqual([200, 'hello']);
    expect(await ask(way, url)).toEqual([200, 'hello']);
    expect(connections.size).toBe(2);
  });

  plainTest('cannot answer what it is not asked yet', async ({ serveBytes }) => {
    const connections = new Set<Socket>();
    const url = await serveBytes((socket, index) => {
      connections.add(socket);
      const lie = 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nlie';
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${index}${lie}`);
    });
    const way = plainWay();
    for (const text of ['0', '1', '2']) expect(await ask(way, url)).toEqual([200, text]);
    expect(connections.size).toBe(3);
  });

  plainTest('nor on a connection that rests', async ({ serveBytes }) => {
    let told: Promise<unknown> = Promise.resolve();
    const url = await serveBytes((socket, index) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${index}`);
      told = once(socket, 'close');
      setImmediate(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nlie'));
    });
    const way = plainWay();
    for (const text of ['0', '1', '2']) {
      expect(await ask(way, url)).toEqual([200, text]);
      await told;
    }
  });

  plainTest('is not kept in pieces of one byte because it sends such chunks', async ({ serveBytes }) => {
    const url = await serveBytes((socket) => {
      const chunks = `${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`;
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`);
    });
    const answer = await get(plainWay(), url);
    const all: Uint8Array[] = [];
    for (let some = await answer.read(); some.length > 0; some = await answer.read()) all.push(...some);
    expect(Buffer.concat(all).toString()).toBe('x'.repeat(5_000));
    // As many as the pieces in which TCP brings thirty kilobytes.
    expect(all.length).toBeLessThan(50);
  });

  plainTest('goes on with its connection where all that may come ahead was the end of it', async ({ serve }) => {
    const body = 'x'.repeat(1 << 20);
    const { url } = await serve((_, response) => response.end(body));
    const way = plainWay();
    for (let round = 0; round < 3; round++) {
      const answer = await get(way, url);
      // All of it has come before anybody reads.
      await delay(50);
      let bytes = 0;
      for (let some = await answer.read(); some.length > 0; some = await answer.read())
        bytes += some.reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(bytes).toBe(body.length);
    }
  });

  plainTest('waits while nobody reads what it sends, and is left where nobody wants it', async ({ serve }) => {
    const piece = Buffer.alloc(1 << 20, 'x');
    const closed: Promise<unknown>[] = [];
    let sent = 0;
    const { url } = await serve((_, response) => {
      closed.push(once(response, 'close'));
      sent = 0;
      const pour = () => {
        while (sent++ < 64) if (!response.write(piece)) return void response.once('drain', pour);
        response.end();
      };
      pour();
    });
    const stuck = async () => {
      for (let before = -1; before < sent; await delay(100)) before = sent;
      // The kernel's buffers hold some megabytes.
      expect(sent).toBeLessThan(32);
    };
    const way = plainWay();
    const unwanted = await get(way, url);
    await stuck();
    expect((await unwanted.read()).length).toBeGreaterThan(0);
    unwanted.discard();
    await closed[0];

    const wanted = await get(way, url);
    await stuck();
    let bytes = 0;
    for (let some = await wanted.read(); some.length > 0; some = await wanted.read()) {
      for (const { byteLength } of some) bytes += byteLength;
    }
    expect(bytes).toBe(64 * piece.length);
  });
});
