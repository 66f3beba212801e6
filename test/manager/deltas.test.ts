import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BinaryName, VersionName } from '../../src/domain/names.ts';
import type { Platform } from '../../src/domain/platform.ts';
import type { Catalog, Release } from '../../src/manager/catalog.ts';
import { deltaBaseOf, deltaBases, deltaName } from '../../src/manager/deltas.ts';
import { has } from '../support/components.ts';
import { ManagerServer, tokenFile } from '../support/manager-server.ts';
import { Nginx } from '../support/nginx.ts';
import { sha256 } from '../support/program.ts';
import { type StoreFolder, storeTest } from '../support/release-store.ts';

const BYTES = 200_000;
const [ONE, TWO, THREE] = [build(1), build(2), build(3)] as const;

/** A release that shares nearly everything with the others, and cannot be compressed by itself. */
function build(version: number): Buffer {
  let state = 1;
  const noise = Array.from({ length: BYTES }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  return Buffer.from(`#!/bin/sh\necho ${version}\nexit\n${Buffer.from(noise).toString('latin1')}`, 'latin1');
}

const placeOf = (to: Buffer, from: Buffer) => `deltas/${sha256(to)}/${deltaName(sha256(from))}`;
const offer = (from: Buffer) => ({
  'accept-encoding': 'dcz, identity;q=0.5',
  'available-dictionary': `:${Buffer.from(sha256(from), 'hex').toString('base64')}:`,
});

describe('from which releases there is to be a delta', () => {
  const release = (version: string, more: Partial<Release> & { platform?: string; size?: number } = {}): Release => {
    const { platform = 'linux/amd64', size = 100_000, ...rest } = more;
    const artifact = { platform: platform as Platform, size, md5: '', sha256: `sha-${version}` };
    return { version: version as VersionName, artifacts: [{ ...artifact, published: `2026-01-0${version}` }], ...rest };
  };
  const catalog = (releases: readonly Release[], ...channels: readonly (readonly [string, string])[]): Catalog => ({
    name: 'app' as BinaryName,
    releases,
    channels: channels.map(([channel, current]) => ({
      channel: channel as VersionName,
      current: current as VersionName,
      former: [],
    })),
  });
  const wish = {
    name: 'app' as BinaryName,
    platform: 'linux/amd64' as Platform,
    channel: 'stable' as VersionName,
    deltas: { count: 3, totalMs: 1 },
  };
  const target = { sha256: 'sha-9', size: 100_000 };
  const versions = (...args: Parameters<typeof deltaBases>) => deltaBases(...args).map(({ version }) => version);

  it('is from what its channel and others point at, then from the newest, withdrawn ones among them', () => {
    const releases = ['1', '2', '3', '4', '5'].map((one) => release(one, one === '5' ? { withdrawn: 'x' } : {}));
    const known = catalog(releases, ['beta', '3'], ['stable', '1']);
    expect(versions(known, wish, target)).toEqual(['1', '3', '5']);
    expect(versions(known, { ...wish, channel: 'beta' as VersionName }, target)).toEqual(['3', '1', '5']);
    expect(versions(known, { ...wish, deltas: { count: 0, totalMs: 1 } }, target)).toEqual([]);
    const { deltas: _, ...none } = wish;
    expect(versions(known, none, target)).toEqual([]);
  });

  it('is from files of the same platform alone, and from none that is too small, too large, or the same', () => {
    const others = [
      release('1', { platform: 'linux/arm64' }),
      release('2', { size: 2 ** 27 }),
      release('3', { size: 1 }),
    ];
    expect(versions(catalog([...others, release('9'), release('4')]), wish, target)).toEqual(['4']);
    expect(versions(catalog([release('4')]), wish, { ...target, size: 2 ** 27 })).toEqual([]);
  });

  it('has a name that tells which file it is', () => {
    for (let n = 0; n < 100; n++) {
      const digest = sha256(Buffer.from(String(n)));
      expect(deltaName(digest)).toMatch(/^[A-Za-z0-9+_]{43}$/);
      expect(deltaBaseOf(deltaName(digest))).toBe(digest);
    }
    expect(['', '../x', 'A'.repeat(42), `${'A'.repeat(42)}B`].map(deltaBaseOf)).toEqual(Array(4).fill(undefined));
  });
});

describe.skipIf(!has('zstd', 'nginx'))('deltas of a release store', () => {
  async function publishAll(store: StoreFolder, ...builds: readonly Buffer[]): Promise<void> {
    for (const [i, bytes] of builds.entries()) await store.publish('app', bytes, '--version', `1.${i}`);
  }

  storeTest(
    'are made when a release is published, told, and never anything a release waits for in vain',
    async ({ store }) => {
      await publishAll(store, ONE, TWO);
      const third = await store.publish('app', THREE, '--version', '1.2');
      const sizes = [TWO, ONE].map((from) => store.bytes(placeOf(THREE, from))?.length ?? 0);
      expect(third['deltas']).toEqual([
        { from: '1.1', size: sizes[0] },
        { from: '1.0', size: sizes[1] },
      ]);
      expect(sizes.every((size) => size > 40 && size < BYTES / 20)).toBe(true);
      expect(store.staged()).toEqual([]);
      expect((await store.publish('app', THREE, '--version', '1.2'))['deltas']).toEqual([]);

      chmodSync(join(store.store, 'api/v1/artifacts', sha256(THREE)), 0o644);
      rmSync(join(store.store, 'api/v1/artifacts', sha256(THREE)));
      const fourth = await store.run('publish', 'app', store.file(build(4)), '--version', '1.3', '--deltas', '1');
      expect([fourth.code, fourth.stderr]).toEqual([
        0,
        expect.stringMatching(
          /^bin-manager: warning: no delta from 1\.2, so hosts fetch the whole file: \S+ is missing/,
        ),
      ]);
      expect(store.offered('app')).toEqual(build(4));
      const none = await store.publish('app', build(5), '--version', '1.4', '--deltas', '0');
      expect([none['deltas'], store.staged()]).toEqual([[], []]);
    },
  );

  storeTest(
    'are tried by verify, removed by --repair where damaged, and by prune with their file',
    async ({ store }) => {
      await publishAll(store, ONE, TWO, THREE);
      expect((await store.run('verify')).stdout).toBe('All bytes and all answers are as the catalog says.\n');
      const [sound, damaged] = [placeOf(THREE, TWO), placeOf(THREE, ONE)];
      const file = join(store.store, 'api/v1', damaged);
      const bytes = readFileSync(file);
      bytes[bytes.length - 6] = (bytes[bytes.length - 6] ?? 0) ^ 1;
      chmodSync(file, 0o644);
      writeFileSync(file, bytes);
      const found = await store.run('verify');
      expect([found.code, found.stdout]).toEqual([
        78,
        `api/v1/${damaged}: does not come to anything whole\n1 problem. Hosts do without a delta; "bin-manager verify --repair" removes it.\n`,
      ]);
      const repaired = await store.run('verify', '--repair');
      expect([repaired.code, existsSync(file), store.bytes(sound) !== undefined]).toEqual([0, false, true]);

      await store.publish('app', build(4), '--version', '2.0', '--deltas', '0');
      await store.publish('app', build(5), '--version', '2.1', '--deltas', '0');
      const pruned = await store.run('prune', '--keep', '1');
      expect(pruned.stdout).toMatch(/app 1\.2 removed\n.*5 files with/s);
      expect(readdirSync(join(store.store, 'api/v1/deltas'))).toEqual([]);
    },
  );

  storeTest(
    'are made only where there is a place for the release, and people are told where it takes long',
    async ({ store }) => {
      const runs = zstdLog(store);
      const large = (version: number) => Buffer.concat([build(version), Buffer.alloc(2 << 20, build(9))]);
      const publish = (bytes: Buffer, ...args: readonly string[]) =>
        store.runWith({ args: ['publish', 'app', store.file(bytes), ...args], program: runs.program(store.program) });
      await publishAll(store, large(1));
      const second = await publish(large(2), '--version', '1.1');
      expect([second.code, second.stderr]).toEqual([
        0,
        'bin-manager: makes deltas from 1.0, for 3 minutes at most (--deltas 0: none)\n',
      ]);
      // A delta that is tiny is not made better: once to make it, once to try it.
      expect([runs.levels(), second.stdout]).toEqual([['-12'], expect.stringMatching(/ (0\.\d|< 0\.1) % of the file/)]);
      const other = await publish(large(3), '--version', '1.1');
      const channel = await publish(large(3), '--version', 'stable');
      expect([other.code, channel.code, other.stderr, channel.stderr, runs.levels()]).toEqual([
        20,
        20,
        expect.stringMatching(/^bin-manager: app 1\.1 is published for any already, with other bytes/),
        expect.stringMatching(/^bin-manager: "stable" is a channel, expected a version/),
        ['-12'],
      ]);
      expect(store.staged()).toEqual([]);
    },
  );

  storeTest('are made one at a time, whoever uploads beside', async ({ store }) => {
    const runs = zstdLog(store);
    await publishAll(store, ONE, TWO);
    const { PATH } = process.env;
    process.env['PATH'] = `${runs.directory}:${PATH}`;
    const server = await ManagerServer.start(store, '--token-file', tokenFile(store)).finally(() => {
      process.env['PATH'] = PATH;
    });
    try {
      const uploads = [5, 6, 7].map((n) => server.put(`app/2.${n}`, build(n)));
      const answers = await Promise.all(
        uploads.map(async (one) => (await one).json() as Promise<{ deltas?: unknown[] }>),
      );
      expect(answers.map(({ deltas }) => deltas?.length)).toEqual([2, 2, 2]);
      expect(runs.sideBySide()).toBe(1);
    } finally {
      await server.stop();
    }
  });

  storeTest('are negotiated by nginx, on a store and on an export', async ({ store }) => {
    await publishAll(store, ONE, TWO);
    const directory = join(store.directory, 'export');
    expect((await store.run('export', directory)).code).toBe(0);
    for (const root of [store.store, directory]) {
      const nginx = await Nginx.start(root);
      try {
        await mustNegotiate(store, nginx.api);
      } finally {
        await nginx.stop();
      }
    }
  });

  storeTest('are negotiated by bin-manager serve, and made of uploads', async ({ store }) => {
    await publishAll(store, ONE, TWO);
    const server = await ManagerServer.start(store, '--token-file', tokenFile(store));
    try {
      await mustNegotiate(store, server.api);
      const answer = (await (await server.put('app/1.2', THREE)).json()) as { deltas: { from: string }[] };
      expect(answer.deltas.map(({ from }) => from)).toEqual(['1.1', '1.0']);
      const got = await ask(`${server.api}/artifacts/${sha256(THREE)}`, offer(ONE));
      expect(got.bytes.equals(store.bytes(placeOf(THREE, ONE)) ?? Buffer.alloc(0))).toBe(true);
    } finally {
      await server.stop();
    }
  });

  async function mustNegotiate(store: StoreFolder, api: string): Promise<void> {
    const address = `${api}/artifacts/${sha256(TWO)}`;
    const delta = await ask(address, offer(ONE));
    expect(delta.headers).toMatchObject({
      'content-encoding': 'dcz',
      vary: 'Accept-Encoding, Available-Dictionary',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'application/octet-stream',
    });
    expect(delta.bytes.equals(store.bytes(placeOf(TWO, ONE)) ?? Buffer.alloc(0))).toBe(true);
    const whole = await ask(address, {});
    expect(whole.headers).toMatchObject({ vary: 'Accept-Encoding, Available-Dictionary' });
    expect(whole.headers['content-encoding']).toBeUndefined();
    expect(delta.headers['etag']).not.toBe(whole.headers['etag']);
    for (const headers of [
      { ...offer(ONE), 'accept-encoding': 'gzip, dcb' },
      { ...offer(ONE), 'accept-encoding': 'gzip, dcz;q=0' },
      { 'accept-encoding': 'dcz' },
      offer(THREE),
      { ...offer(ONE), 'available-dictionary': ':../../../catalog/app.json=:' },
      { ...offer(ONE), 'available-dictionary': 'nonsense' },
    ]) {
      const got = await ask(address, headers);
      expect([got.bytes.equals(TWO), got.headers['content-encoding']]).toEqual([true, undefined]);
    }
    const rest = await ask(address, { ...offer(ONE), range: 'bytes=40-', 'if-range': String(delta.headers['etag']) });
    expect([rest.status, rest.headers['content-encoding']]).toEqual([206, 'dcz']);
    expect(rest.bytes.equals(delta.bytes.subarray(40))).toBe(true);
    const same = await ask(address, { ...offer(ONE), 'if-none-match': String(delta.headers['etag']) });
    expect(same.status).toBe(304);
    expect((await ask(`${api}/${placeOf(TWO, ONE)}`, {})).status).toBe(404);
    expect((await ask(`${api}/artifacts/${sha256(THREE)}`, offer(ONE))).status).toBe(404);
  }
});

/** The real zstd, called through a script that writes down when it begins and ends. */
function zstdLog(store: StoreFolder) {
  const directory = join(store.directory, 'bin');
  const log = join(store.directory, 'zstd.log');
  mkdirSync(directory);
  writeFileSync(log, '');
  const zstd = (process.env['PATH'] ?? '').split(':').find((one) => existsSync(join(one, 'zstd')));
  const lines = [`echo begin "$1" >> ${log}`, `${zstd}/zstd "$@"`, 'code=$?', `echo end >> ${log}`, 'exit $code'];
  writeFileSync(join(directory, 'zstd'), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  const words = () => readFileSync(log, 'utf8').trimEnd().split('\n');
  return {
    directory,
    program: (manager: string) => ['env', `PATH=${directory}:${process.env['PATH']}`, process.execPath, manager],
    levels: () => words().flatMap((line) => /^begin (-\d+)/.exec(line)?.[1] ?? []),
    /** How many have run at the same time at most. */
    sideBySide: () => {
      let running = 0;
      return Math.max(...words().map((line) => (running += line.startsWith('begin') ? 1 : -1)));
    },
  };
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

/** Without anything that fetch decodes or adds. */
async function ask(url: string, headers: Readonly<Record<string, string>>): Promise<Got> {
  const { get } = await import('node:http');
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (message) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('end', () =>
        resolve({ status: message.statusCode ?? 0, headers: message.headers, bytes: Buffer.concat(chunks) }),
      );
      message.on('error', reject);
    }).on('error', reject);
  });
}
