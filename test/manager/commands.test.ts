import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { VERSION } from '../../src/domain/version.ts';
import { sha256 } from '../support/program.ts';
import { digestAnswer, script, storeTest } from '../support/release-store.ts';

const ONE = script('one');
const TWO = script('two');
const THREE = script('three');

/** The first bytes of a program for a machine (elf(5)), and something behind them. */
function elf(machine: number, text = ''): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(machine, 18);
  return Buffer.concat([bytes, Buffer.from(text)]);
}
const AMD64 = elf(62);
const ARM64 = elf(183);

describe('bin-manager publish', () => {
  storeTest('makes a store, and every documented answer in it', async ({ store }) => {
    const ran = await store.run('publish', 'app', store.file(AMD64), '--version', '1.4.2');
    expect([ran.code, ran.stderr]).toEqual([0, `bin-manager: begins a new release store at ${store.store}\n`]);
    const artifact = {
      platform: 'linux/amd64',
      size: AMD64.length,
      md5: /"md5":"(\w+)"/.exec(digestAnswer('md5', AMD64))?.[1],
      sha256: sha256(AMD64),
      url: `artifacts/${sha256(AMD64)}`,
    };
    const { platform: _, url: __, ...usual } = artifact;
    for (const wanted of ['latest', 'stable', '1.4.2']) {
      for (const folder of ['', 'linux-amd64/']) {
        const base = `releases/${wanted}/app/${folder}`;
        expect(store.answer(`${base}md5`)).toBe(digestAnswer('md5', AMD64));
        expect(store.answer(`${base}sha256`)).toBe(digestAnswer('sha256', AMD64));
        expect(store.bytes(`${base}download`)).toEqual(AMD64);
      }
      expect(JSON.parse(store.answer(`releases/${wanted}/app/release.json`) ?? '')).toEqual({
        code: 0,
        message: 'success',
        data: {
          name: 'app',
          version: '1.4.2',
          ...usual,
          sha256sum: usual.sha256,
          hash: usual.md5,
          artifacts: [artifact],
        },
        bin_name: 'app',
        version: '1.4.2',
        md5: usual.md5,
        sha256: usual.sha256,
        sha256sum: usual.sha256,
      });
    }
    expect(store.answer('bins/app')).toBe(store.answer('releases/latest/app/release.json'));
    expect(store.bytes('download/app')).toEqual(AMD64);
    expect(store.bytes(artifact.url)).toEqual(AMD64);
    expect(store.index()).toEqual({
      schema: 'bin-manager/index/1',
      binaries: { app: { channels: { stable: { version: '1.4.2', artifacts: [artifact] } } } },
    });
    expect(store.staged()).toEqual([]);
    expect(readdirSync(join(store.store, 'unsettled'))).toEqual([]);
  });

  storeTest('tells what hosts now get, as it lies there', async ({ store }) => {
    const ran = await store.run('publish', 'app', store.file(ONE), '--version', '1.0');
    expect(ran.stdout).toContain('app 1.0 for any published');
    expect(ran.stdout).toContain(`releases/latest/app/md5  ${store.answer('releases/latest/app/md5')?.trim()}`);
    expect(await store.publish('app', TWO, '--version', '2.0')).toMatchObject({
      schema: 'bin-manager/publish/1',
      what: 'published',
      former: '1.0',
      answers: { 'releases/latest/app/sha256': store.answer('releases/latest/app/sha256')?.trim() },
    });
  });

  storeTest('reads from stdin', async ({ store }) => {
    const bytes = Buffer.concat([ONE, Buffer.alloc(3_000_000, 'x')]);
    const ran = await store.runWith({ args: ['publish', 'app', '-'], input: bytes });
    expect([ran.code, store.offered('app')?.equals(bytes)]).toEqual([0, true]);
  });

  storeTest(
    'names a version by time and digest where none is given, so that the newest sorts last',
    async ({ store }) => {
      const versions: string[] = [];
      for (const bytes of [ONE, TWO, THREE]) versions.push(String((await store.publish('app', bytes))['version']));
      expect(versions).toEqual([...versions].sort());
      expect(versions[0]).toMatch(new RegExp(`^\\d{8}T\\d{6}Z-${sha256(ONE).slice(0, 8)}$`));
      // Run again, as a script does after a kill: the same bytes are no new version.
      expect(await store.publish('app', THREE)).toMatchObject({ what: 'already-published', version: versions[2] });
    },
  );

  storeTest('takes the same bytes of a version again, and moves the channel', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    await store.publish('app', TWO, '--version', '2');
    const again = await store.publish('app', ONE, '--version', '1');
    expect(again).toMatchObject({ what: 'already-published', former: '2' });
    expect(store.offered('app')).toEqual(ONE);
  });

  storeTest('refuses other bytes of a version and names both digests, unless it is forced', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    const ran = await store.run('publish', 'app', store.file(TWO), '--version', '1');
    expect(ran.code).toBe(20);
    for (const bytes of [ONE, TWO]) expect(ran.stderr).toContain(sha256(bytes));
    expect(store.offered('app')).toEqual(ONE);
    expect(store.staged()).toEqual([]);
    expect(await store.publish('app', TWO, '--version', '1', '--force')).toMatchObject({ what: 'replaced' });
    expect([store.offered('app'), store.offered('app', '1')]).toEqual([TWO, TWO]);
  });

  storeTest('reads the platform from the file, and answers for each of a version', async ({ store }) => {
    await store.publish('app', ARM64, '--version', '1');
    expect(store.offered('app')).toEqual(ARM64);
    await store.publish('app', AMD64, '--version', '1');
    // Who does not say which platform he has gets the usual one.
    expect(store.offered('app')).toEqual(AMD64);
    expect(store.answer('releases/1/app/linux-arm64/md5')).toBe(digestAnswer('md5', ARM64));
    expect(store.bytes('releases/1/app/linux-arm64/download')).toEqual(ARM64);
    const wrong = await store.run('publish', 'app', store.file(ARM64), '--platform', 'linux/amd64');
    expect([wrong.code, wrong.stderr]).toEqual([
      20,
      'bin-manager: built for linux/arm64, expected linux/amd64\nPublish the other file, or correct --platform.\n',
    ]);
    const unknown = await store.run('publish', 'app', store.file(elf(36_902)));
    expect(unknown.stderr).toContain('built for ELF machine 36902 (64 bit, little endian), which has no name here');
    expect((await store.run('publish', 'app', store.file(elf(36_902)), '--platform', 'linux/alpha')).code).toBe(0);
    expect((await store.run('publish', 'app', store.file(AMD64), '--platform', 'any')).code).toBe(20);
  });

  storeTest(
    'warns of platforms that the channel had and the version has not, and of what is no program',
    async ({ store }) => {
      await store.publish('app', ARM64, '--version', '1');
      await store.publish('app', AMD64, '--version', '1');
      const lost = await store.run('publish', 'app', store.file(elf(62, 'new')), '--version', '2');
      expect([lost.code, lost.stderr]).toEqual([
        0,
        expect.stringContaining('warning: stable had linux/arm64 before, and 2 has not'),
      ]);
      const page = await store.run('publish', 'page', store.file('<html>'));
      expect([page.code, page.stderr]).toEqual([0, expect.stringContaining('hosts will refuse it')]);
    },
  );

  storeTest('publishes to another channel, and hosts of stable do not see it', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    await store.publish('app', TWO, '--version', '2', '--channel', 'beta');
    expect([store.offered('app'), store.offered('app', 'beta')]).toEqual([ONE, TWO]);
    expect(store.index().binaries['app']?.channels).toMatchObject({ stable: { version: '1' }, beta: { version: '2' } });
    expect((await store.run('promote', 'app', 'beta')).stdout).toBe('stable of app: 1 -> 2\n');
    expect(store.offered('app')).toEqual(TWO);
  });

  storeTest('holds the same bytes once, whoever publishes them', async ({ store }) => {
    await store.publish('app', ONE);
    await store.publish('other', ONE);
    expect(readdirSync(join(store.store, 'api/v1/artifacts'))).toEqual([sha256(ONE)]);
    expect([store.offered('app'), store.offered('other')]).toEqual([ONE, ONE]);
  });

  storeTest('makes what everybody can read, whatever the umask', async ({ store }) => {
    const program = ['/bin/sh', '-c', 'umask 077 && exec "$@"', 'sh', process.execPath, store.program];
    const ran = await store.runWith({ args: ['publish', 'app', store.file(ONE)], program });
    expect(ran.code).toBe(0);
    for (const path of ['', 'api', 'api/v1', 'api/v1/releases/stable', 'api/v1/artifacts']) {
      expect([path, statSync(join(store.store, path)).mode & 0o777]).toEqual([path, 0o755]);
    }
    for (const path of [`artifacts/${sha256(ONE)}`, 'releases/latest/app/md5', 'index.json']) {
      expect([path, statSync(join(store.store, 'api/v1', path)).mode & 0o777]).toEqual([path, 0o444]);
    }
  });

  storeTest('leaves answers that say the same as they are: their ETags last', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    const times = () =>
      ['index.json', 'releases/latest/app/md5', `artifacts/${sha256(ONE)}`].map(
        (path) => statSync(join(store.store, 'api/v1', path)).mtimeMs,
      );
    const before = times();
    await store.publish('app', ONE, '--version', '1');
    await store.publish('other', TWO, '--channel', 'beta');
    expect(times().slice(1)).toEqual(before.slice(1));
    const index = statSync(join(store.store, 'api/v1/index.json')).mtimeMs;
    await store.publish('other', TWO, '--channel', 'beta');
    expect(statSync(join(store.store, 'api/v1/index.json')).mtimeMs).toBe(index);
  });

  storeTest('removes uploads that were left a day ago, and no younger ones', async ({ store }) => {
    await store.publish('app', ONE);
    const staging = join(store.store, 'staging');
    for (const [name, hours] of [
      ['upload-old', 25],
      ['upload-young', 1],
      ['view-0', 0],
    ] as const) {
      writeFileSync(join(staging, name), 'x');
      const time = new Date(Date.now() - hours * 3_600_000);
      utimesSync(join(staging, name), time, time);
    }
    await store.publish('app', TWO);
    expect(store.staged()).toEqual(['upload-young']);
  });
});

describe('bin-manager withdraw', () => {
  storeTest('lets hosts go back, and says so', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    await store.publish('app', TWO, '--version', '2');
    const ran = await store.run('withdraw', 'app');
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('stable of app: 2 -> 1\n')]);
    expect([store.offered('app'), store.offered('app', '2')]).toEqual([ONE, undefined]);
    expect((await store.run('show', 'app')).stdout).toMatch(/^ +2 +any .* withdrawn \d{4}/m);
  });

  storeTest('empties a channel that has nothing before, and hosts keep what they have', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    const ran = await store.run('withdraw', 'app', '1');
    expect(ran.stdout).toContain(
      'stable of app: 1 -> nothing; there is no former version, so hosts keep what they have',
    );
    expect([store.offered('app'), store.answer('bins/app'), store.bytes('download/app')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(store.index().binaries).toEqual({});
    expect((await store.run('verify')).code).toBe(0);
    expect((await store.run('list')).stdout).toMatch(/app +stable +- +- +-/);
    await store.publish('app', TWO, '--version', '2');
    expect(store.offered('app')).toEqual(TWO);
  });
});

describe('bin-manager prune', () => {
  storeTest('shows, then removes old versions and their bytes, and nothing that is offered', async ({ store }) => {
    for (const [index, bytes] of [ONE, TWO, THREE, script('four')].entries()) {
      await store.publish('app', bytes, '--version', String(index + 1));
    }
    await store.publish('other', ONE, '--version', '1');
    expect((await store.run('prune')).code).toBe(2);
    const dry = await store.run('prune', '--keep', '2', '--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({
      dryRun: true,
      versions: [
        { name: 'app', version: '1' },
        { name: 'app', version: '2' },
      ],
      artifacts: 1,
    });
    expect(store.offered('app', '1')).toEqual(ONE);
    const ran = await store.run('prune', '--keep', '2');
    expect(ran.stdout).toBe(`app 1 removed\napp 2 removed\n1 file with ${TWO.length} B removed\n`);
    expect(['1', '2', '3', '4'].map((version) => store.offered('app', version) !== undefined)).toEqual([
      ...[false, false],
      ...[true, true],
    ]);
    // Another binary needs the bytes of app 1.
    expect(store.offered('other')).toEqual(ONE);
    expect(existsSync(join(store.store, 'api/v1/releases/2'))).toBe(false);
    expect(readdirSync(join(store.store, 'api/v1/revisions/app'))).toHaveLength(2);
    expect((await store.run('verify')).stdout).toBe('All bytes and all answers are as the catalog says.\n');
  });

  storeTest('removes bytes that a killed publisher left', async ({ store }) => {
    await store.publish('app', ONE);
    writeFileSync(join(store.store, 'api/v1/artifacts', sha256(TWO)), TWO);
    expect((await store.run('verify')).stdout).toContain(`1 file with ${TWO.length} B that nothing needs`);
    await store.run('prune', '--keep', '1', 'app');
    expect(readdirSync(join(store.store, 'api/v1/artifacts'))).toEqual([sha256(ONE)]);
  });
});

describe('bin-manager verify', () => {
  storeTest('reports every problem at once, and repairs all but lost bytes', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    await store.publish('app', TWO, '--version', '2');
    const api = (path: string) => join(store.store, 'api/v1', path);
    const revision = readdirSync(api('revisions/app'))[0] ?? '';
    const damage = (path: string, text: string) => {
      chmodSync(api(path), 0o644);
      writeFileSync(api(path), text);
    };
    damage(`artifacts/${sha256(ONE)}`, script('eno').toString());
    damage(`revisions/app/${revision}/md5`, '{}');
    damage('index.json', '{}');
    mkdirSync(api('releases/9'));
    writeFileSync(api('releases/9/app'), 'x');
    const found = await store.run('verify', '--json');
    expect(found.code).toBe(78);
    const { problems } = JSON.parse(found.stdout) as { problems: { path: string }[] };
    const lost = `api/v1/artifacts/${sha256(ONE)}`;
    expect(problems.map(({ path }) => path).sort()).toEqual(
      [`api/v1/revisions/app/${revision}/md5`, 'api/v1/index.json', 'api/v1/releases/9/app', lost].sort(),
    );
    const repaired = await store.run('verify', '--repair');
    expect([repaired.code, repaired.stdout]).toEqual([78, expect.stringContaining(`${lost}: has other bytes`)]);
    expect(repaired.stdout).toContain('Bytes that are lost or damaged come back when the same file is published again');
    expect(store.offered('app')).toEqual(TWO);
    await store.publish('app', ONE, '--version', '1', '--channel', 'beta');
    expect((await store.run('verify')).code).toBe(0);
    expect(store.offered('app', '1')).toEqual(ONE);
  });

  storeTest('makes all views anew from the catalog and the bytes alone', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    await store.publish('other', TWO, '--version', '1', '--channel', 'beta');
    const before = tree(store.store);
    for (const name of ['releases', 'revisions', 'bins', 'download', 'index.json']) {
      rmTree(join(store.store, 'api/v1', name));
    }
    expect((await store.run('verify')).code).toBe(78);
    expect((await store.run('verify', '--repair')).code).toBe(0);
    expect(tree(store.store)).toEqual(before);
  });

  storeTest('says that bytes are missing or cut', async ({ store }) => {
    await store.publish('app', ONE);
    await store.publish('other', TWO);
    rmTree(join(store.store, 'api/v1/artifacts', sha256(ONE)));
    const cut = join(store.store, 'api/v1/artifacts', sha256(TWO));
    chmodSync(cut, 0o644);
    writeFileSync(cut, TWO.subarray(1));
    const { code, stdout } = await store.run('verify');
    expect([code, stdout]).toEqual([78, expect.stringContaining(`${sha256(ONE)}: is missing`)]);
    expect(stdout).toContain(`${sha256(TWO)}: has ${TWO.length - 1} bytes, expected ${TWO.length}`);
  });
});

describe('bin-manager export', () => {
  storeTest('makes plain files with the same addresses, and only what has changed', async ({ store }) => {
    await store.publish('app', AMD64, '--version', '1');
    await store.publish('app', ARM64, '--version', '1');
    const out = join(store.directory, 'out');
    expect((await store.run('export', out)).code).toBe(0);
    const files = tree(out);
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((line) => !/^[fd] /.test(line))).toEqual([]);
    for (const line of files) {
      const path = /^f \.\/(api\/v1\/.*) \d+$/.exec(line)?.[1];
      if (path === undefined) continue;
      const inStore = path.startsWith('api/v1/') ? store.bytes(path.slice('api/v1/'.length)) : undefined;
      expect([path, readFileSync(join(out, path)).equals(inStore ?? Buffer.alloc(0))]).toEqual([path, true]);
    }
    expect(JSON.parse((await store.run('export', out, '--json')).stdout)).toMatchObject({ placed: 0, gone: [] });
    await store.publish('app', elf(62, 'new'), '--version', '2');
    await store.run('withdraw', 'app', '1');
    const left = JSON.parse((await store.run('export', out, '--json')).stdout) as { gone: string[] };
    expect(left.gone).toContain('releases/1/app/md5');
    expect(existsSync(join(out, 'api/v1/releases/1/app/md5'))).toBe(true);
    await store.run('export', out, '--delete');
    expect(existsSync(join(out, 'api/v1/releases/1'))).toBe(false);
    const fresh = join(store.directory, 'fresh');
    await store.run('export', fresh);
    expect(tree(out)).toEqual(tree(fresh));
  });

  storeTest('goes into no store, and deletes nothing that is not its own', async ({ store }) => {
    await store.publish('app', ONE);
    for (const directory of [store.store, join(store.store, 'out'), store.directory]) {
      const ran = await store.run('export', directory, '--delete');
      expect([directory, ran.code, ran.stderr]).toEqual([directory, 20, expect.stringContaining('release store')]);
    }
    const site = join(store.directory, 'site');
    mkdirSync(join(site, 'api/v1'), { recursive: true });
    writeFileSync(join(site, 'api/v1/precious'), 'x');
    expect((await store.run('export', site, '--delete')).code).toBe(20);
    expect(readdirSync(join(site, 'api/v1'))).toEqual(['precious']);
  });
});

describe('bin-manager', () => {
  storeTest('lists what there is, and shows one', async ({ store }) => {
    await store.publish('app', ONE, '--version', '1');
    await store.publish('app', TWO, '--version', '2');
    expect((await store.run('list')).stdout).toMatch(/^ +app +stable +2 +any +\d{4}-/m);
    const { stdout } = await store.run('show', 'app');
    expect(stdout).toMatch(/^ +2 +any +19 B +[0-9a-f]{32} +[0-9a-f]{8} +\S+Z +<- stable$/m);
    expect(stdout).toContain('stable: 2; before: 1');
    expect(JSON.parse((await store.run('show', 'app', '--json')).stdout)).toMatchObject({
      schema: 'bin-manager/show/1',
      name: 'app',
      releases: [{ version: '1' }, { version: '2' }],
    });
    const unknown = await store.run('show', 'apq');
    expect([unknown.code, unknown.stderr]).toEqual([20, 'bin-manager: nothing was published as apq\nThere is app.\n']);
  });

  storeTest('says its version, and what there is', async ({ store }) => {
    expect((await store.run('--version')).stdout).toMatch(new RegExp(`^bin-manager ${VERSION} \\(node `));
    const help = await store.run('--help');
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect((await store.run('publish', '--help')).stdout).toContain('--platform');
  });

  storeTest('never makes a store by looking for one', async ({ store }) => {
    for (const args of [['list'], ['show', 'app'], ['verify'], ['prune', '--keep', '1'], ['withdraw', 'app']]) {
      const ran = await store.run(...args);
      expect([args, ran.code, ran.stderr]).toEqual([args, 20, expect.stringContaining('there is no release store at')]);
    }
    expect(existsSync(store.store)).toBe(false);
  });
});

/** Every entry below a directory: kind, path, and size or target. */
function tree(directory: string): readonly string[] {
  const text = execFileSync('find', ['.', '-type', 'd', '-printf', 'd %p\n', '-o', '-printf', '%y %p %s%l\n'], {
    cwd: directory,
    encoding: 'utf8',
  });
  return text.trim().split('\n').sort();
}

function rmTree(path: string): void {
  rmSync(path, { recursive: true });
}
