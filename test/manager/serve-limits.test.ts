import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect } from 'vitest';
import { AccessLog } from '../../src/manager/server/access-log.ts';
import { LIMITS } from '../../src/manager/server/limits.ts';
import { ReleaseServer } from '../../src/manager/server/release-server.ts';
import { parseTokens, Tokens } from '../../src/manager/server/tokens.ts';
import { prepareStore } from '../../src/manager/session.ts';
import { ReleaseStore } from '../../src/manager/store.ts';
import type { TlsPair } from '../../src/platform/http-server.ts';
import { takeLock } from '../../src/platform/lock.ts';
import { TrustedProxies } from '../../src/platform/proxy-trust.ts';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';
import { PUBLISHER } from '../support/manager-server.ts';
import { type StoreFolder, script, storeTest } from '../support/release-store.ts';

const TOKEN = `Authorization: Bearer ${PUBLISHER}`;
/** As those of the program, in a hurry; a byte comes every {@link TRICKLE_MS}. */
const QUICK = { ...LIMITS, headersMs: 300, bodyMs: 300, idleMs: 300, requestMs: 600 };
const TRICKLE_MS = 50;

describe('bin-manager serve and clients that ask too much', () => {
  const started: ReleaseServer[] = [];
  afterEach(async () => {
    for (const one of started.splice(0)) await one.close();
  });

  async function serve(store: StoreFolder, limits = LIMITS, tls?: TlsPair): Promise<number> {
    const releases = new ReleaseStore(store.store);
    await prepareStore(releases);
    const tokens = new Tokens(parseTokens(`ci publish ${PUBLISHER}`).holders);
    const server = await ReleaseServer.open({
      ...{ store: releases, address: { host: '127.0.0.1', port: 0 }, tokens: () => tokens, tls, limits },
      ...{
        proxies: TrustedProxies.read('127.0.0.1') ?? new TrustedProxies(),
        reports: 'taken',
        deltas: 0,
        log: new AccessLog(openSync('/dev/null', 'w')),
      },
    });
    started.push(server);
    return server.address.port;
  }

  /** Sends a beginning, then a byte now and then for as long as the server listens; all that it answers. */
  async function trickle(port: number, ...head: readonly string[]): Promise<string> {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    await once(socket, 'connect');
    socket.write(head.join('\r\n'));
    const timer = setInterval(() => socket.write('x'), TRICKLE_MS);
    await once(socket, 'close');
    clearInterval(timer);
    return answer;
  }

  storeTest('cuts those off that are too slow, says why, and nothing is left of them', async ({ store }) => {
    const port = await serve(store, QUICK);
    const put = 'PUT /api/v1/releases/app/1 HTTP/1.1';
    const answers = await Promise.all([
      trickle(port, 'GET /api/v1/index.json HTTP/1.1', 'Host: x', 'X-Slow: '),
      trickle(port, 'POST /api/v1/keepalive HTTP/1.1', 'Host: x', 'Content-Length: 9999', '', '{"node_id":"'),
      trickle(port, 'POST /keepalive HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked', '', '100', '{"node_id":"'),
      trickle(port, put, 'Host: x', TOKEN, 'Content-Length: 9999', '', '#!/bin/sh\n'),
    ]);
    for (const answer of answers) {
      const [head = '', body = '{}'] = answer.split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      expect(JSON.parse(body)).toMatchObject({
        code: 408,
        message: 'the request was not complete in time',
        data: null,
      });
    }
    // Who says nothing at all has no answer to wait for.
    const silent = connect(port, '127.0.0.1').resume();
    await once(silent, 'close');
    while (store.staged().length > 0) await delay(10);
    const said = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as object;
    expect(said).toMatchObject({ status: 'healthy', nodes_count: 0, bins_count: 0 });
  });

  storeTest('says which limit it is, in the words of all other refusals', async ({ store }) => {
    const port = await serve(store);
    const origin = `http://127.0.0.1:${port}`;
    const long = 'x'.repeat(9000);
    const asked: readonly (readonly [status: number, says: RegExp, path: string, init?: RequestInit])[] = [
      [413, /body is larger/, '/api/v1/keepalive', { method: 'POST', body: `{"nodeName":"${'x'.repeat(300_000)}"}` }],
      [414, /URL is longer/, `/api/v1/index.json?${long}`],
      [414, /URL is longer/, `/hosts/${long}`],
      [414, /URL is longer/, `/api/v1/index.json?${long}${long}`],
      [431, /URL and headers/, '/api/v1/index.json', { headers: { 'x-long': long + long } }],
      [400, /a name of letters/, `/api/v1/releases/${'x'.repeat(129)}/1`, put(script('one'))],
      [400, /a version such as/, '/api/v1/releases/app/%2e%2e%2fx', put(script('one'))],
      [400, /name of a binary/, `/api/v1/bins/${'%20'.repeat(9)}`, { method: 'POST', body: '{"node_id":"n"}' }],
    ];
    for (const [status, says, path, init] of asked) {
      const answer = await fetch(`${origin}${path}`, init);
      const label = [status, path.slice(0, 40)];
      expect([answer.status, path.slice(0, 40)]).toEqual(label);
      expect(await answer.json()).toMatchObject({ code: status, message: expect.stringMatching(says) });
    }
    // Whoever sends what nobody wants has the answer, and soon no connection.
    const chatty = await trickle(port, 'GET /api/v1/index.json HTTP/1.1', 'Host: x', 'Content-Length: 9999', '', '');
    expect(chatty).toMatch(/^HTTP\/1\.1 404 /);
    const garbage = await trickle(port, 'EHLO mail.example.com', '', '');
    expect(garbage).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*expected a request of HTTP\/1\.1/);
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    expect(metrics).toContain('bin_manager_requests_total{route="none",status="431"} 1\n');
  });

  storeTest('says which methods there are at an address', async ({ store }) => {
    await store.publish('app', script('one'), '--version', '1');
    const origin = `http://127.0.0.1:${await serve(store)}`;
    const asked: readonly (readonly [method: string, path: string, allow: string | null, status?: number])[] = [
      ['DELETE', '/api/v1/index.json', 'GET, HEAD'],
      ['OPTIONS', '/api/v1/releases/latest/app/md5', 'GET, HEAD'],
      ['PATCH', '/releases/latest/app/download?x=1', 'GET, HEAD'],
      ['POST', `/api/v1/artifacts/${'0'.repeat(64)}`, 'GET, HEAD'],
      ['DELETE', '/api/v1/releases/app/1', 'PUT'],
      ['DELETE', '/bins/app', 'GET, HEAD, POST'],
      ['PUT', '/api/v1/bins/app/progress', 'POST'],
      ['PATCH', '/keepalive', 'GET, HEAD, POST'],
      ['OPTIONS', '/', 'GET, HEAD'],
      ['DELETE', '/api/v1/nodes/any%2Fid', 'GET, HEAD'],
      ['PROPFIND', '/hosts/x', 'GET, HEAD'],
      ['POST', '/metrics', 'GET, HEAD'],
      ['GET', '/api/v1/bins/app/progress', null, 404],
      ['DELETE', '/api/v1/nothing', null, 401],
    ];
    for (const [method, path, allow, status = 405] of asked) {
      const answer = await fetch(`${origin}${path}`, { method });
      const label = [method, path];
      expect([...label, answer.status, answer.headers.get('allow')]).toEqual([...label, status, allow]);
      const message = `expected ${allow?.replaceAll(', ', ' or ')} at this address, found ${method}`;
      const body = await answer.json();
      if (status === 405) expect(body).toEqual({ code: 405, message, error: message, data: null });
    }
  });

  storeTest('waits for no handshake for ever, nor to be stopped', async ({ store, skip }) => {
    skip(!has('openssl'));
    const authority = new Authority();
    const tls = authority.issue();
    authority.remove();
    const connected = async (port: number, first = '') => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.resume().write(first);
      return { closed: new Promise((resolve) => socket.once('close', resolve)) };
    };
    await (await connected(await serve(store, QUICK, tls))).closed;
    // Here a handshake has longer than this test.
    const port = await serve(store, { ...LIMITS, headersMs: 3_600_000, graceMs: 300 }, tls);
    const silent = await connected(port);
    // Connections are accepted in turn, so once this one is refused the other one is there.
    await (await connected(port, 'GET / HTTP/1.1\r\n\r\n')).closed;
    await started.pop()?.close();
    await silent.closed;
  });

  storeTest('lets an upload wait for another writer, however long that is without a byte', async ({ store }) => {
    const port = await serve(store, { ...LIMITS, idleMs: QUICK.idleMs });
    const lock = await takeLock(new ReleaseStore(store.store).places.lock, new Date(), 'another writer');
    const url = `http://127.0.0.1:${port}/api/v1/releases/app/1`;
    const [taken] = await Promise.all([
      fetch(url, put(script('one'))),
      delay(3 * QUICK.idleMs).then(() => lock.release()),
    ]);
    expect([taken.status, store.offered('app')]).toEqual([201, script('one')]);
  });

  storeTest('lets one address ask about hosts, report and bring new hosts only so often', async ({ store }) => {
    const rates = { looksAMinute: 4, reportsAMinute: 6, newHostsAnHour: 2 };
    const origin = `http://127.0.0.1:${await serve(store, { ...LIMITS, ...rates })}`;
    const ask = (path: string, from: string, body?: object) => {
      const headers = { 'x-forwarded-for': from };
      const more = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      return fetch(`${origin}${path}`, { headers, ...more });
    };
    const looks = ['/', '/nodes', '/api/v1/nodes', '/hosts/x', '/api/v1/nodes/x', '/nodes?page=2'];
    const looked = await inTurn(looks, (path) => ask(path, '192.0.2.1'));
    expect(looked.map(({ status }) => status)).toEqual([200, 200, 200, 404, 429, 429]);
    const reports: readonly (readonly [path: string, body?: object])[] = [
      ['/api/v1/keepalive', { node_id: 'one' }],
      ['/bins/app/progress', { node_id: 'two', targetHash: 'x', status: 'failed' }],
      ['/api/v1/bins/app', { node_id: 'three', md5: 'a'.repeat(32) }],
      // Whoever is known already is not new.
      ['/bins/app', { node_id: 'two', md5: 'a'.repeat(32) }],
      ['/keepalive?node_id=one'],
      ['/keepalive', { node_id: 'four' }],
      ['/keepalive?node_id=one'],
    ];
    const reported = await inTurn(reports, ([path, body]) => ask(path, '192.0.2.1', body));
    expect(reported.map(({ status }) => status)).toEqual([201, 200, 429, 200, 200, 429, 429]);
    const refused = [...looked, ...reported].filter(({ status }) => status === 429);
    const messages = ['4 questions about hosts a minute', '2 new hosts an hour', '6 reports a minute'];
    for (const [index, what] of [0, 0, 1, 1, 2].entries()) {
      const message = `expected at most ${messages[what]} from one address`;
      const hint = expect.stringContaining('--trust-proxy');
      const seconds = Number(refused[index]?.headers.get('retry-after'));
      expect(await refused[index]?.json()).toEqual({ code: 429, message, error: message, hint, data: null });
      expect([seconds > 0, seconds > 60]).toEqual([true, what === 1]);
    }
    // Others are others, and polls are never counted.
    expect((await ask('/keepalive', '192.0.2.2', { node_id: 'five' })).status).toBe(201);
    expect((await ask('/', '2001:db8::1')).status).toBe(200);
    expect((await ask('/api/v1/index.json', '192.0.2.1')).status).toBe(404);
    expect(await (await ask('/health', '192.0.2.1')).json()).toMatchObject({ nodes_count: 3 });
  });

  storeTest('asks for no byte of an upload that has no place', async ({ store }) => {
    await store.publish('app', script('one'), '--version', '1', '--platform', 'any');
    const port = await serve(store);
    const first = async (query: string, ...more: readonly string[]) => {
      const socket = connect(port, '127.0.0.1').setEncoding('latin1');
      const line = `PUT /api/v1/releases/app/${query} HTTP/1.1`;
      socket.write([line, 'Host: x', TOKEN, 'Content-Length: 99999999', ...more, '', ''].join('\r\n'));
      const [answer] = (await once(socket, 'data')) as [string];
      socket.destroy();
      return answer;
    };
    const other = `sha256=${'0'.repeat(64)}&platform=any`;
    for (const [query, says] of [
      ['stable', 'is a channel'],
      ['2?channel=1', 'is a version of app'],
      [`1?${other}`, 'with other bytes'],
    ] as const) {
      const [plain, waiting] = await Promise.all([first(query), first(query, 'Expect: 100-continue')]);
      for (const answer of [plain, waiting]) {
        expect([answer.startsWith('HTTP/1.1 409 '), answer.includes(says)]).toEqual([true, true]);
      }
    }
    expect(store.staged()).toEqual([]);
  });

  storeTest('says when to come again to whoever uploads too often', async ({ store }) => {
    const url = `http://127.0.0.1:${await serve(store)}/api/v1/releases/app/%00`;
    const statuses = new Set<number>();
    for (let n = 0; n < 60; n++) statuses.add((await fetch(url, put(script('one')))).status);
    // Each of them counts, also one that is refused.
    expect([...statuses]).toEqual([400]);
    const limited = await fetch(url, put(script('one')));
    expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(await limited.json()).toMatchObject({
      code: 429,
      message: 'expected at most 60 uploads a minute with one token',
    });
  });
});

async function inTurn<T>(all: readonly T[], ask: (one: T) => Promise<Response>): Promise<readonly Response[]> {
  const answers: Response[] = [];
  for (const one of all) answers.push(await ask(one));
  return answers;
}

function put(bytes: Buffer): RequestInit {
  return { method: 'PUT', body: new Uint8Array(bytes), headers: { authorization: `Bearer ${PUBLISHER}` } };
}
