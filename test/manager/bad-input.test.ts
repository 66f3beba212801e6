import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BinaryName } from '../../src/domain/names.ts';
import { parseCatalog } from '../../src/manager/catalog-file.ts';
import { parseArguments } from '../../src/manager/command-line.ts';
import type { ManagerError } from '../../src/manager/errors.ts';
import { sha256 } from '../support/program.ts';
import { rootStoreTest, script, storeTest } from '../support/release-store.ts';

const ONE = script('one');
const TWO = script('two');

describe('bin-manager and bad input', () => {
  storeTest('lets no name and no version leave its directory (invariant 10)', async ({ store }) => {
    const file = store.file(ONE);
    const names = [
      '../x',
      '..',
      '.',
      '.hidden',
      'a/b',
      '/etc/x',
      'a b',
      'a\nb',
      '%2e%2e',
      '-x',
      ' ',
      'é',
      'x'.repeat(129),
    ];
    for (const word of names) {
      const runs = [
        ['publish', word, file],
        ['publish', 'app', file, `--version=${word}`],
        ['publish', 'app', file, `--channel=${word}`],
        ['show', word],
        ['promote', word, '1'],
        ['promote', 'app', word],
        ['withdraw', word],
        ['prune', '--keep', '1', word],
      ];
      for (const args of runs) {
        const refused = await parseArguments(args).then(
          () => 'taken',
          (error: unknown) => (error as Partial<ManagerError>).code,
        );
        expect([args, refused]).toEqual([args, 'usage']);
      }
    }
    const ran = await store.run('publish', '../x', file);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('expected a name of letters')]);
    expect(readdirSync(store.directory)).toEqual(['file-1']);
  });

  storeTest('says what it expected, and begins no store for it', async ({ store }) => {
    const file = store.file(ONE);
    const mistakes: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
      [['publish', 'app', join(store.directory, 'nowhere')], 20, `there is no file at ${store.directory}/nowhere`],
      [['publish', 'app', store.directory], 20, `expected a file, found a directory at ${store.directory}`],
      [['publish', 'app'], 2, 'expected NAME and FILE\n'],
      [['publish', 'app', file, '--platform', 'Linux'], 2, 'expected a platform such as "linux/amd64", or "any"'],
      [['publish', 'app', file, '--wait', 'long'], 2, '--wait: expected a whole number from 0, found "long"'],
      [['publish', 'app', file, '--version'], 2, 'Not enough arguments following: version'],
      [['publish', 'app', file, '--version='], 2, '--version needs a value'],
      [['publish', 'app', file, '--keep', '3'], 2, 'Unknown argument: keep'],
      [['prune', '--keep', '0'], 2, '--keep: expected a whole number from 1, found "0"'],
      [['publsh', 'app', file], 2, 'unknown command; did you mean publish?'],
      [[], 2, 'expected a command'],
    ];
    for (const [args, code, says] of mistakes) {
      const ran = await store.run(...args);
      expect([args, ran.code, ran.stdout, ran.stderr]).toEqual([args, code, '', expect.stringContaining(says)]);
    }
    expect(existsSync(store.store)).toBe(false);
  });

  storeTest('refuses an empty file, and nothing is left of it', async ({ store }) => {
    await store.publish('app', ONE);
    const runs = [
      await store.run('publish', 'app', store.file('')),
      await store.runWith({ args: ['publish', 'app', '-'], input: '' }),
    ];
    for (const ran of runs) expect([ran.code, ran.stderr]).toEqual([20, expect.stringContaining('the file is empty')]);
    expect([store.offered('app'), store.staged()]).toEqual([ONE, []]);
  });

  rootStoreTest('says that it may not write, and what to do', async ({ store }) => {
    await store.publish('app', ONE);
    chmodSync(store.directory, 0o755);
    const file = store.file(TWO);
    const program = ['setpriv', '--reuid=65534', '--clear-groups', process.execPath, store.program];
    for (const args of [
      ['publish', 'app', file],
      ['withdraw', 'app'],
      ['verify', '--repair'],
    ]) {
      const ran = await store.runWith({ args, program });
      expect([args, ran.code, ran.stderr]).toEqual([
        args,
        77,
        expect.stringContaining('Run as the user that the store'),
      ]);
    }
    // Reading is for everybody.
    for (const args of [['list'], ['show', 'app'], ['verify']]) {
      expect([args, (await store.runWith({ args, program })).code]).toEqual([args, 0]);
    }
    expect(store.offered('app')).toEqual(ONE);
  });

  rootStoreTest('leaves a store on a full disk as it was', async ({ store }) => {
    mkdirSync(store.store);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', store.store]);
    try {
      execFileSync('mountpoint', ['-q', store.store]);
      await store.publish('app', ONE, '--version', '1');
      const large = await store.run('publish', 'app', store.file(Buffer.alloc(3_000_000, '#!/bin/sh\n')));
      expect([large.code, large.stderr]).toEqual([74, expect.stringContaining('ENOSPC')]);
      expect([store.offered('app'), store.staged()]).toEqual([ONE, []]);
      // Whatever the step at which the room ends, hosts get a whole answer, and the rerun is a success.
      for (let room = 0; room <= 40; room += 4) {
        const filler = join(store.store, 'filler');
        const bytes = script(`release with ${room}`);
        const file = store.file(bytes);
        const free = Number(execFileSync('stat', ['-f', '-c', '%a', store.store], { encoding: 'utf8' })) * 4096;
        writeFileSync(filler, Buffer.alloc(Math.max(0, free - room * 1024)));
        const before = store.offered('app');
        const ran = await store.run('publish', 'app', file, '--version', `r${room}`);
        expect([0, 74], `${ran.code} ${ran.stderr}`).toContain(ran.code);
        expect([before, bytes]).toContainEqual(store.offered('app'));
        execFileSync('rm', [filler]);
        expect((await store.run('publish', 'app', file, '--version', `r${room}`)).code).toBe(0);
        expect(store.offered('app')).toEqual(bytes);
        expect((await store.run('verify')).stdout).toMatch(/^All bytes and all answers are as the catalog says/);
      }
    } finally {
      execFileSync('umount', [store.store]);
    }
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    storeTest(`ends an upload at ${signal}, and leaves nothing of it`, async ({ store }) => {
      await store.publish('app', ONE);
      const child = spawn(process.execPath, [store.program, 'publish', 'app', '-'], {
        env: store.environment(),
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      child.stdin.on('error', () => {});
      child.stdin.write('#!/bin/sh\n');
      while (store.staged().length === 0) await delay(20);
      child.kill(signal);
      const [exit] = (await once(child, 'exit')) as [number | null];
      expect([exit, store.staged(), store.offered('app')]).toEqual([code, [], ONE]);
    });
  }
});

describe('a catalog file', () => {
  const artifact = {
    platform: 'any',
    size: 1,
    md5: '0'.repeat(32),
    sha256: sha256(ONE),
    published: '2030-01-01T00:00:00Z',
  };
  const sound = {
    schema: 'bin-manager/catalog/1',
    name: 'app',
    releases: [{ version: '1', artifacts: [artifact] }],
    channels: [{ channel: 'stable', current: '1', former: [] as string[] }],
  };
  const parse = (value: unknown) => parseCatalog(JSON.stringify(value), 'app' as BinaryName, '/s/catalog/app.json');

  it('is taken as it was written', () => {
    const { schema: _, ...catalog } = sound;
    expect(parse(sound)).toEqual(catalog);
  });

  it.each<[string, unknown, RegExp]>([
    ['of another schema', { ...sound, schema: 'bin-manager/catalog/2' }, /schema: /],
    ['of another binary', { ...sound, name: 'other' }, /name: expected "app", found "other"/],
    [
      'with a version that leaves its directory',
      { ...sound, releases: [{ version: '../1', artifacts: [artifact] }] },
      /releases\.0\.version/,
    ],
    [
      'with a digest that leaves its directory',
      { ...sound, releases: [{ version: '1', artifacts: [{ ...artifact, sha256: '../x' }] }] },
      /releases\.0\.artifacts\.0\.sha256/,
    ],
    [
      'with a platform that leaves its directory',
      { ...sound, releases: [{ version: '1', artifacts: [{ ...artifact, platform: '../..' }] }] },
      /platform/,
    ],
    ['with an empty file', { ...sound, releases: [{ version: '1', artifacts: [{ ...artifact, size: 0 }] }] }, /size/],
    ['without artifacts', { ...sound, releases: [{ version: '1', artifacts: [] }] }, /artifacts/],
    ['with a version twice', { ...sound, releases: [...sound.releases, ...sound.releases] }, /"1" stands there twice/],
    [
      'with a version called as a channel',
      { ...sound, channels: [{ channel: '1', former: [] }] },
      /"1" stands there twice/,
    ],
    [
      'with a platform twice',
      { ...sound, releases: [{ version: '1', artifacts: [artifact, artifact] }] },
      /version 1 has a platform twice/,
    ],
    [
      'whose channel points nowhere',
      { ...sound, channels: [{ channel: 'stable', current: '2', former: [] }] },
      /channel stable points at 2/,
    ],
    ['with an unknown key', { ...sound, releases: [{ version: '1', artifacts: [artifact], held: true }] }, /held/],
  ])('%s is refused, with its place', (_, value, message) => {
    expect(() => parse(value)).toThrow(message);
    expect(() => parse(value)).toThrow(/^\/s\/catalog\/app\.json cannot be understood: /);
  });
});
