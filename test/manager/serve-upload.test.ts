import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect } from 'vitest';
import { ManagerServer, PUBLISHER, READER, tokenFile } from '../support/manager-server.ts';
import { sha256 } from '../support/program.ts';
import { rootStoreTest, type StoreFolder, script, storeTest } from '../support/release-store.ts';

const ONE = script('one');
const TWO = script('two');

describe('an upload to bin-manager serve', () => {
  const started: ManagerServer[] = [];
  afterEach(async () => {
    for (const one of started.splice(0)) await one.stop('SIGKILL');
  });

  async function serve(store: StoreFolder, ...args: readonly string[]): Promise<ManagerServer> {
    const server = await ManagerServer.start(store, '--token-file', tokenFile(store, `hosts read ${READER}`), ...args);
    started.push(server);
    return server;
  }

  /** An upload whose sender stops in the middle. */
  async function begun(server: ManagerServer, store: StoreFolder): Promise<Socket> {
    const { hostname, port } = new URL(server.origin);
    const socket = connect(Number(port), hostname).on('error', () => {});
    await once(socket, 'connect');
    socket.write(`PUT /api/v1/releases/app/9 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PUBLISHER}\r\n`);
    socket.write('Content-Length: 1000000\r\n\r\n#!/bin/sh\n');
    while (store.staged().length === 0) await delay(10);
    return socket;
  }

  storeTest('is published like by the command, and answered with the same', async ({ store }) => {
    const server = await serve(store);
    const digest = `sha-256=:${createHash('sha256').update(ONE).digest('base64')}:`;
    const put = await server.put('app/1.0', ONE, { 'repr-digest': digest });
    const answer = (await put.json()) as Record<string, unknown>;
    expect([put.status, put.headers.get('location')]).toEqual([201, '/api/v1/releases/1.0/app/release.json']);
    const byCommand = await store.publish('app', ONE, '--version', '1.0');
    expect(Object.keys(answer)).toEqual(Object.keys(byCommand));
    expect({ ...answer, artifact: byCommand['artifact'] }).toEqual({ ...byCommand, what: 'published' });
    expect((await server.put('app/1.0', ONE)).status).toBe(200);
    expect((await server.put('app/2.0?channel=beta&platform=linux/arm64', TWO)).status).toBe(201);
    expect([store.offered('app'), store.offered('app', 'beta')]).toEqual([ONE, TWO]);
    const other = await server.put('app/1.0', TWO);
    expect([other.status, await other.json()]).toEqual([
      409,
      expect.objectContaining({ code: 409, data: null, hint: expect.stringContaining('?force=1') as unknown }),
    ]);
    expect(store.offered('app')).toEqual(ONE);
    expect((await server.put('app/1.0?force=1', TWO)).status).toBe(200);
    expect(store.offered('app')).toEqual(TWO);
    const metrics = await (
      await fetch(`${server.origin}/metrics`, { headers: { authorization: `Bearer ${READER}` } })
    ).text();
    expect(metrics).toContain('bin_manager_uploads_total{result="replaced"} 1\n');
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' });
    expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, '', '']);
    expect((await store.run('verify')).code).toBe(0);
    const { stdout, stderr } = await server.stop();
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ method: 'PUT', path: '/api/v1/releases/app/1.0', status: 201, holder: 'ci' });
    expect(stdout + stderr).not.toContain(PUBLISHER);
  });

  storeTest('that must not be is refused, and nothing is left of it', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    const server = await serve(store, '--max-upload', '1');
    const big = Buffer.alloc(2 ** 20 + 1, '#!/bin/sh\n');
    const bad: readonly (readonly [status: number, path: string, bytes: Buffer, headers?: Record<string, string>])[] = [
      [400, '..%2fx/1', ONE],
      [400, 'app/..%2f..%2fx', ONE],
      [400, 'app/%00', ONE],
      [400, `${'x'.repeat(129)}/1`, ONE],
      [400, 'app/1?channel=../x', ONE],
      [400, 'app/1?platform=Linux', ONE],
      [400, 'app/1?forse=1', ONE],
      [400, 'app/1?sha256=1', ONE],
      [400, 'app/1', ONE, { 'content-digest': 'md5=:AAAA:' }],
      [400, 'app/1', ONE, { 'content-range': 'bytes 0-1/2' }],
      [401, 'app/1', ONE, { authorization: 'Bearer wrong' }],
      [403, 'app/1', ONE, { authorization: `Bearer ${READER}` }],
      [409, 'app/stable', ONE],
      [413, 'app/1', big],
      [415, 'app/1', ONE, { 'content-encoding': 'gzip' }],
      [422, `app/1?sha256=${sha256(TWO)}`, ONE],
      [422, 'app/1', Buffer.alloc(0)],
      [431, 'app/1', ONE, { 'x-long': 'x'.repeat(20_000) }],
    ];
    for (const [status, path, bytes, headers] of bad) {
      const put = await server.put(path, bytes, headers);
      const label = [path, JSON.stringify(headers ?? {}).slice(0, 60)];
      expect([...label, put.status]).toEqual([...label, status]);
      expect(await put.json()).toHaveProperty('message');
    }
    // Not known beforehand how long it is; and told before a byte was sent.
    const file = store.file(big);
    const chunked = ['-H', 'Transfer-Encoding: chunked', '-H', `Authorization: Bearer ${PUBLISHER}`];
    const curl = (...args: readonly string[]) =>
      execFileSync(
        'curl',
        [
          '-sS',
          '-o',
          join(store.directory, 'answer'),
          '-w',
          '%{http_code} %{size_upload}',
          '-T',
          file,
          ...args,
          `${server.api}/releases/app/1`,
        ],
        { encoding: 'utf8' },
      );
    expect(curl(...chunked)).toMatch(/^413 /);
    expect(curl('-H', 'Authorization: Bearer wrong')).toBe('401 0');
    // Reading needs a token as well, once there is one for it.
    expect((await fetch(`${server.api}/index.json`)).status).toBe(401);
    const headers = { authorization: `Bearer ${READER}` };
    const read = await fetch(`${server.api}/artifacts/${sha256(ONE)}`, { headers });
    expect([read.status, read.headers.get('cache-control')]).toEqual([200, 'private, max-age=31536000, immutable']);
    expect((await fetch(`${server.origin}/health`)).status).toBe(200);
    for (let n = 0; n < 25; n++) await server.put('app/1', ONE, { authorization: 'Bearer wrong' });
    const limited = await server.put('app/1', ONE, { authorization: 'Bearer wrong' });
    expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect([store.staged(), store.offered('app')]).toEqual([[], ONE]);
    expect((await store.run('verify')).code).toBe(0);
  });

  storeTest('that breaks off leaves nothing, and kill -9 nothing that counts', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    const first = await serve(store);
    (await begun(first, store)).destroy();
    while (store.staged().length > 0) await delay(10);
    await begun(first, store);
    await first.stop('SIGKILL');
    expect([store.offered('app'), (await store.run('verify')).code]).toEqual([ONE, 0]);
    const second = await serve(store);
    expect((await second.put('app/9', TWO)).status).toBe(201);
    expect(store.offered('app')).toEqual(TWO);
  });

  storeTest('waits for the others: many at once all get in, and one of two with other bytes', async ({ store }) => {
    const server = await serve(store);
    const all = await Promise.all([
      ...['a', 'b', 'c'].map(async (name) => server.put(`${name}/1`, script(name))),
      server.put('app/1', ONE),
      server.put('app/1', TWO),
    ]);
    expect(all.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 201, 409]);
    for (const name of ['a', 'b', 'c']) expect(store.offered(name)).toEqual(script(name));
    expect((await store.run('verify')).code).toBe(0);
  });

  rootStoreTest('to a full disk is told so, and hosts go on being answered', async ({ store }) => {
    mkdirSync(store.store);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', store.store]);
    try {
      const server = await serve(store);
      expect((await server.put('app/1', ONE)).status).toBe(201);
      const full = await server.put('app/2', Buffer.alloc(3_000_000, '#!/bin/sh\n'));
      expect([full.status, store.staged(), store.offered('app')]).toEqual([507, [], ONE]);
      expect((await server.put('app/2', TWO)).status).toBe(201);
      await server.stop();
    } finally {
      execFileSync('umount', ['-l', store.store]);
    }
  });

  storeTest('is not begun while the server is stopped, and those that run are ended', async ({ store }) => {
    const server = await serve(store);
    const socket = await begun(server, store);
    server.signal('SIGTERM');
    await server.untilSaid('stopping');
    await expect(fetch(`${server.origin}/health`)).rejects.toThrow();
    socket.write(Buffer.alloc(1_000_000 - 10, '#\n'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 201 /);
    expect((await server.ended()).code).toBe(0);
  });

  storeTest('is allowed by the token file as it is after SIGHUP, if that is good', async ({ store }) => {
    const server = await serve(store);
    const other = 'other-'.padEnd(40, 'o');
    const status = async () => (await server.put('app/1', ONE, { authorization: `Bearer ${other}` })).status;
    expect(await status()).toBe(401);
    writeFileSync(join(store.directory, 'tokens'), 'ci publish short\n');
    server.signal('SIGHUP');
    await server.untilSaid('nothing was read again');
    expect(await status()).toBe(401);
    writeFileSync(join(store.directory, 'tokens'), `ci publish ${other}\n`);
    server.signal('SIGHUP');
    await server.untilSaid('read again: publish: ci; read: everybody');
    expect(await status()).toBe(201);
    expect((await server.put('app/1', ONE)).status).toBe(401);
  });
});
