import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect } from 'vitest';
import { NO_SUCH_RELEASE } from '../../src/manager/answers.ts';
import { has } from '../support/components.ts';
import { ManagerServer } from '../support/manager-server.ts';
import { Nginx } from '../support/nginx.ts';
import { md5, sha256 } from '../support/program.ts';
import { script, storeTest } from '../support/release-store.ts';

const ONE = script('one');
const TELLING = ['etag', 'last-modified', 'cache-control', 'content-type', 'content-range', 'content-length'] as const;

/** curl sends a path as it is written; `fetch` would tidy it up. */
function curl(url: string, ...args: readonly string[]) {
  const raw = execFileSync('curl', ['-sS', '-i', '--path-as-is', '-m', '10', ...args, url]);
  const end = raw.indexOf('\r\n\r\n');
  const [first = '', ...lines] = raw.subarray(0, end).toString().split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  return { status: Number(first.split(' ')[1]), headers, body: raw.subarray(end + 4) };
}

describe.skipIf(!has('nginx'))('bin-manager serve beside the real nginx, on one store', () => {
  storeTest('answers the same, request for request', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    const large = Buffer.alloc(600_000, '#!/bin/sh\n');
    await store.publish('large', large, '--version', '1+2~3');
    const [server, nginx] = [await ManagerServer.start(store), await Nginx.start(store.store)];
    try {
      const tag = curl(`${nginx.api}/artifacts/${sha256(ONE)}`).headers.get('etag') ?? '';
      const date = curl(`${nginx.api}/bins/app`).headers.get('last-modified') ?? '';
      const bytes = `/artifacts/${sha256(ONE)}`;
      const size = ONE.length;
      const requests: readonly (readonly [path: string, ...args: readonly string[]])[] = [
        ...['/index.json', '/bins/app', '/releases/latest/app/md5', '/releases/stable/app/sha256', bytes].flatMap(
          (path) => [[path], [path, '-I']] as const,
        ),
        ['/releases/1.0/app/release.json'],
        ['/releases/1.0/app/any/md5'],
        ['/releases/1%2B2~3/large/md5'],
        ['/releases/latest/large/download'],
        ['/releases/latest/large/download', '-r', '300000-'],
        ['/download/large', '-r', '-7'],
        ['/bins/app?node=a/../b'],
        ['/bins/app', '--request-target', 'http://releases.example.com/api/v1/bins/app?node=a'],
        [bytes, '-H', `If-None-Match: ${tag}`],
        [bytes, '-I', '-H', `If-None-Match: ${tag}`],
        [bytes, '-H', `If-None-Match: "other", W/${tag}`],
        [bytes, '-H', 'If-None-Match: *'],
        [bytes, '-H', 'If-None-Match: "other"'],
        [bytes, '-H', `If-Match: ${tag}`],
        [bytes, '-H', 'If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT'],
        ['/bins/app', '-H', `If-Modified-Since: ${date}`],
        ['/bins/app', '-H', `If-Unmodified-Since: ${date}`],
        ...['0-', '3-5', '-4', `0-${size - 1}`, '0-999999', `${size - 1}-`, '-999999'].map(
          (range) => [bytes, '-H', `Range: bytes=${range}`] as const,
        ),
        [bytes, '-H', 'Range: lines=1-2'],
        [bytes, '-H', 'Range: bytes=3-', '-H', `If-Range: ${tag}`],
        [bytes, '-H', 'Range: bytes=3-', '-H', 'If-Range: "other"'],
        [bytes, '-H', 'Range: bytes=3-', '-H', `If-Range: W/${tag}`],
        ['/nothing'],
        ['/'],
        ['/releases/latest/'],
        ['/releases/latest/nothing/md5'],
        ['/releases/latest/app/crc32'],
        ['/bins/..%2f..%2f..%2fcatalog%2fapp.json'],
        ['/../../catalog/app.json'],
        ['/bins/%2e%2e/%2e%2e/%2e%2e/lock'],
        [`/bins/${'x'.repeat(200)}`],
      ];
      for (const [path, ...args] of requests) {
        const [ours, theirs] = [curl(`${server.api}${path}`, ...args), curl(`${nginx.api}${path}`, ...args)];
        const label = [path, ...args].join(' ');
        expect([label, ours.status], label).toEqual([label, theirs.status]);
        const telling = ({ headers }: typeof ours) => TELLING.map((name) => [name, headers.get(name)]);
        expect([label, telling(ours)]).toEqual([label, telling(theirs)]);
        expect(ours.body.equals(theirs.body), label).toBe(true);
      }
      // Where the text of a refusal differs, the answer does not.
      for (const args of [
        ['-H', `Range: bytes=${size}-`],
        ['-H', 'Range: bytes=-0'],
        ['-H', 'Range: bytes=5-2'],
        ['-H', 'Range: bytes=x'],
        ['-H', 'If-Match: "other"'],
        ['-H', 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT'],
      ]) {
        const [ours, theirs] = [curl(`${server.api}${bytes}`, ...args), curl(`${nginx.api}${bytes}`, ...args)];
        const told = ({ status, headers }: typeof ours) => [args.join(' '), status, headers.get('content-range')];
        expect(told(ours)).toEqual(told(theirs));
      }
      const gzip = ['-H', 'Accept-Encoding: gzip'];
      const [ours, theirs] = [server, nginx].map(({ api }) => curl(`${api}/index.json`, ...gzip));
      for (const name of ['etag', 'content-encoding', 'vary', 'content-type']) {
        expect([name, ours?.headers.get(name)]).toEqual([name, theirs?.headers.get(name)]);
      }
      expect(spawnSync('gzip', ['-dc'], { input: ours?.body, encoding: 'utf8' }).stdout).toBe(
        store.answer('index.json'),
      );
      const weak = ours?.headers.get('etag') ?? '';
      expect(curl(`${server.api}/index.json`, ...gzip, '-H', `If-None-Match: ${weak}`).status).toBe(304);
      expect(curl(`${server.api}/bins/app`, ...gzip).headers.get('content-encoding')).toBeUndefined();
    } finally {
      await nginx.stop();
      await server.stop();
    }
  });
});

describe('bin-manager serve', () => {
  storeTest('answers every documented request of every dialect', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    const server = await ManagerServer.start(store);
    try {
      for (const base of [server.api, server.origin]) {
        const get = (path: string) => curl(`${base}${path}`);
        const json = (path: string) => JSON.parse(get(path).body.toString()) as unknown;
        // D0 to D2.
        expect(get('/releases/latest/app/md5').body.toString()).toBe(
          `{"code":0,"message":"success","data":{"md5":"${md5(ONE)}"}}\n`,
        );
        expect(get('/releases/latest/app/sha256').body.toString()).toBe(
          `{"code":0,"message":"success","data":{"sha256":"${sha256(ONE)}"}}\n`,
        );
        for (const path of ['/releases/latest/app/download', '/download/app', '/download/app?releaseId=7']) {
          expect(get(path).body).toEqual(ONE);
        }
        const digests = { md5: md5(ONE), sha256: sha256(ONE), sha256sum: sha256(ONE), version: '1.0' };
        expect(json('/bins/app')).toMatchObject({
          // D0', D1, D2.
          ...{ code: 0, message: 'success', data: { name: 'app', hash: md5(ONE), ...digests } },
          // D3, and those that read the top level alone.
          ...{ bin_name: 'app', ...digests },
        });
        expect(json('/health')).toEqual({ status: 'healthy', nodes_count: 0, bins_count: 1 });
        for (const path of ['/bins/none', '/download/none', '/releases/latest/none/md5']) {
          const none = get(path);
          expect([path, none.status, none.body.toString()]).toEqual([path, 404, NO_SUCH_RELEASE]);
        }
      }
      expect(curl(`${server.api}/index.json`).headers.get('bin-manager-reports')).toBe('1');
    } finally {
      await server.stop();
    }
  });

  storeTest('sees every change with the next request', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    const server = await ManagerServer.start(store);
    try {
      const md5Of = async () => (await fetch(`${server.api}/releases/latest/app/md5`)).text();
      expect(await md5Of()).toContain(md5(ONE));
      await store.publish('app', script('two'), '--version', '2.0');
      expect(await md5Of()).toContain(md5(script('two')));
      expect((await store.run('withdraw', 'app')).code).toBe(0);
      expect(await md5Of()).toContain(md5(ONE));
    } finally {
      await server.stop();
    }
  });
});
