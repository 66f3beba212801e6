import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, expect } from 'vitest';
import type { BinaryName, VersionName } from '../../src/domain/names.ts';
import { NO_SUCH_RELEASE } from '../../src/manager/answers.ts';
import { STABLE } from '../../src/manager/catalog.ts';
import { publish } from '../../src/manager/publish.ts';
import { ReleaseStore } from '../../src/manager/store.ts';
import { has } from '../support/components.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { Nginx } from '../support/nginx.ts';
import { program, sha256 } from '../support/program.ts';
import { digestAnswer, StoreFolder, script, storeTest } from '../support/release-store.ts';

const ONE = script('one');
const TWO = script('two');
const JSON_ADDRESSES = ['releases/latest/app/md5', 'releases/latest/app/sha256', 'bins/app', 'index.json'] as const;
const BYTES_ADDRESSES = ['releases/latest/app/download', 'download/app', `artifacts/${sha256(ONE)}`] as const;

interface Kind {
  readonly title: string;
  /** Makes what is served agree with the store, and says where it lies. */
  readonly root: (store: StoreFolder) => Promise<string>;
}

async function exported(store: StoreFolder): Promise<string> {
  const directory = join(store.directory, 'export');
  const ran = await store.run('export', directory, '--delete');
  if (ran.code !== 0) throw new Error(ran.stderr);
  return directory;
}

const KINDS: readonly Kind[] = [
  { title: 'a store', root: async (store) => store.store },
  { title: 'an export', root: exported },
];

describe.skipIf(!has('nginx')).each(KINDS)('the real nginx, with the shipped configuration, on $title', ({ root }) => {
  const started: Nginx[] = [];
  afterEach(async () => {
    for (const one of started.splice(0)) await one.stop();
  });

  async function serve(store: StoreFolder): Promise<string> {
    const nginx = await Nginx.start(await root(store));
    started.push(nginx);
    return nginx.api;
  }

  storeTest('answers GET and HEAD with length, type and a strong ETag', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    const api = await serve(store);
    for (const address of [...JSON_ADDRESSES, ...BYTES_ADDRESSES]) {
      const expected = store.bytes(address);
      const got = await fetch(`${api}/${address}`, { headers: { 'accept-encoding': 'identity' } });
      expect([address, got.status]).toEqual([address, 200]);
      expect(Buffer.from(await got.arrayBuffer()).equals(expected ?? Buffer.alloc(0)), address).toBe(true);
      const isBytes = address.startsWith('artifacts/') || address.includes('download');
      expect(got.headers.get('content-type')).toBe(isBytes ? 'application/octet-stream' : 'application/json');
      expect(got.headers.get('etag')).toMatch(/^"/);
      expect(got.headers.get('cache-control')).toBe(
        address.startsWith('artifacts/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
      const head = await fetch(`${api}/${address}`, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(expected?.length)]);
      expect(head.headers.get('etag')).toBe(got.headers.get('etag'));
    }
    const digest = await fetch(`${api}/releases/latest/app/md5`);
    expect(await digest.text()).toBe(digestAnswer('md5', ONE));
  });

  storeTest(
    'says 304 to whoever has it already, and 200 after every change, however fast they come',
    async ({ store }) => {
      // All of them in one second, and of one size: only the times that the store gives them tell them apart.
      const conditions = { now: () => new Date('2026-01-02T03:04:05.678Z'), waitMs: 60_000, onWait: () => {} };
      const releases = ['aaa', 'bbb', 'ccc', 'aaa'].map(script);
      const addresses = [...JSON_ADDRESSES, 'releases/latest/app/download', 'download/app'];
      const known = new Map<string, string>();
      let api = '';
      for (const [index, bytes] of releases.entries()) {
        const release = { name: 'app' as BinaryName, version: `1.${index}` as VersionName, channel: STABLE };
        const taken = { ...release, conflict: 'refuse', bytes: Readable.from([bytes]) } as const;
        await publish(new ReleaseStore(store.store), taken, conditions);
        if (api === '') api = await serve(store);
        else await root(store);
        for (const address of addresses) {
          const label = `${address} of release ${index}`;
          const etag = known.get(address);
          const got = await fetch(`${api}/${address}`, {
            headers: etag === undefined ? {} : { 'if-none-match': etag },
          });
          expect(got.status, label).toBe(200);
          await got.arrayBuffer();
          const now = got.headers.get('etag') ?? '';
          known.set(address, now);
          const again = await fetch(`${api}/${address}`, { headers: { 'if-none-match': now } });
          expect([again.status, await again.text()], label).toEqual([304, '']);
          const since = await fetch(`${api}/${address}`, {
            headers: { 'if-modified-since': got.headers.get('last-modified') ?? '' },
          });
          expect(since.status, label).toBe(304);
        }
      }
    },
  );

  storeTest('answers a part of a download, to whoever has the same bytes begun', async ({ store }) => {
    await store.publish('app', ONE);
    const api = await serve(store);
    for (const address of BYTES_ADDRESSES) {
      const etag = (await fetch(`${api}/${address}`)).headers.get('etag') ?? '';
      const part = await fetch(`${api}/${address}`, { headers: { range: 'bytes=3-', 'if-range': etag } });
      expect([part.status, await part.text()]).toEqual([206, ONE.subarray(3).toString()]);
      expect(part.headers.get('content-encoding')).toBeNull();
      const other = await fetch(`${api}/${address}`, { headers: { range: 'bytes=3-', 'if-range': '"other"' } });
      expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, ONE.length]);
    }
  });

  storeTest('says 404 in JSON for what is not there, and shows nothing else of the store', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    const api = await serve(store);
    const unknown = [
      ...['releases/latest/nothing/md5', 'releases/9.9/app/md5', 'releases/latest/app/crc32', 'bins/nothing'],
      ...['artifacts/0', 'releases/', 'artifacts/', '', '../../catalog/app.json', '..%2f..%2fcatalog/app.json'],
      ...['../../lock', '../../staging/', '../../unsettled/'],
    ];
    for (const address of unknown) {
      const got = await fetch(`${api}/${address}`);
      expect([address, got.status, await got.text()]).toEqual([address, 404, NO_SUCH_RELEASE]);
    }
    const put = await fetch(`${api}/releases/latest/app/md5`, { method: 'PUT', body: 'x' });
    expect(put.status).not.toBe(200);
  });

  storeTest('answers a large index compressed, and 304 to whoever has that', async ({ store }) => {
    for (let n = 0; n < 8; n++) await store.publish(`app-${n}`, ONE);
    const api = await serve(store);
    const got = await fetch(`${api}/index.json`, { headers: { 'accept-encoding': 'gzip' } });
    expect(got.headers.get('content-encoding')).toBe('gzip');
    expect(await got.text()).toBe(store.answer('index.json'));
    const again = await fetch(`${api}/index.json`, {
      headers: { 'accept-encoding': 'gzip', 'if-none-match': got.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
  });

  storeTest('answers with the withdrawn version no more', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1.0');
    await store.publish('app', TWO, '--version', '2.0');
    const api = await serve(store);
    expect((await store.run('withdraw', 'app')).code).toBe(0);
    await root(store);
    expect(await (await fetch(`${api}/releases/latest/app/md5`)).text()).toBe(digestAnswer('md5', ONE));
    expect((await fetch(`${api}/releases/2.0/app/md5`)).status).toBe(404);
    expect((await store.run('withdraw', 'app')).code).toBe(0);
    await root(store);
    for (const address of ['releases/latest/app/md5', 'bins/app', 'download/app']) {
      expect([address, (await fetch(`${api}/${address}`)).status]).toEqual([address, 404]);
    }
  });
});

// One on the store itself is in test/e2e/round-trip.test.ts.
describe.skipIf(!has('nginx'))('the real nginx, with the shipped configuration, on an export', () => {
  hostTest('keeps a real host up to date: installed, updated, taken back', async ({ host }) => {
    const store = new StoreFolder();
    let nginx: Nginx | undefined;
    try {
      const [v1, v2] = [program('1'), program('2')];
      await store.publish('app', v1, '--version', '1.0');
      nginx = await Nginx.start(await exported(store));
      const settings = { BIN_MANAGER_API: nginx.api };
      await host.runs('app', program('0'));
      host.manages('app');
      expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({
        outcome: 'updated',
        to: `sha256:${sha256(v1)}`,
      });
      expect(host.installed('app')).toEqual(v1);
      await store.publish('app', v2, '--version', '2.0');
      await exported(store);
      expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({
        outcome: 'updated',
        to: `sha256:${sha256(v2)}`,
      });
      expect(await host.runsInstalled('app')).toBe(true);
      expect((await store.run('withdraw', 'app')).code).toBe(0);
      await exported(store);
      expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({
        outcome: 'updated',
        to: `sha256:${sha256(v1)}`,
      });
      expect(outcomeOf(await host.tick([], settings), 'app')).toMatchObject({ outcome: 'up-to-date' });
    } finally {
      await nginx?.stop();
      store.remove();
    }
  });
});
