import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import { beginAt, FAKED, minutesAfterKeepalive, timeTest } from '../support/fake-time.ts';
import type { Host, Ran, RanTick } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { untilSettled } from '../support/settled.ts';

/** `UPDATE=1 npx vitest run test/e2e/idle-modules.test.ts` writes the list anew. */
const GOLDEN = fileURLToPath(new URL('./idle-modules.txt', import.meta.url));
const HOOK = fileURLToPath(new URL('./loaded.cjs', import.meta.url));

interface Loaded {
  /** Packages of which a file was loaded. */
  readonly packages: readonly string[];
  /** Our own modules as `src/folder/file.ts`, and those of Node as `node:name`. */
  readonly modules: readonly string[];
  /** Programs that were started. */
  readonly children: readonly string[];
}

/** A tick of which each binary is told. */
function measuredTick(host: Host, more: Readonly<Record<string, string>> = {}): Promise<RanTick & Loaded> {
  return measured((environment) => host.tick([], { ...environment, ...more }));
}

/** A tick as cron has it. */
function measuredQuietTick(host: Host, more: Readonly<Record<string, string>> = {}): Promise<Ran & Loaded> {
  return measured((environment) => host.run(['run', '--quiet'], { ...environment, ...more }));
}

/** A run, with all that it loads, and the programs it starts as Node's debug log tells of them. */
async function measured<R extends Ran>(
  run: (environment: Readonly<Record<string, string>>) => Promise<R>,
): Promise<R & Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'bin-proxy-loaded-'));
  const list = join(folder, 'loaded.json');
  const options = { NODE_OPTIONS: `--require=${HOOK}`, LOADED: list, NODE_DEBUG: 'child_process' };
  const ran = await run(options);
  const loaded = (JSON.parse(readFileSync(list, 'utf8')) as readonly string[]).flatMap(modulesOf);
  rmSync(folder, { recursive: true });
  const inPackages = loaded.map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  return {
    ...ran,
    packages: [...new Set(inPackages.filter((name) => name !== undefined))].sort(),
    modules: loaded.filter((name) => /^(src\/|node:)/.test(name)).sort(),
    children: Array.from(ran.stderr.matchAll(/^ {2}file: '(.*)',$/gm), ([, file = '']) => file),
  };
}

/** A chunk names each module it is made of in a comment. */
function modulesOf(loaded: string): readonly string[] {
  if (loaded.startsWith('node:')) return [loaded];
  const names = readFileSync(loaded, 'utf8').matchAll(/^\/\/ (dist|node_modules)\/(\S+)$/gm);
  return Array.from(names, ([, folder, path = '']) =>
    folder === 'dist' ? `src/${path.replace(/\.js$/, '.ts')}` : `node_modules/${path}`,
  );
}

/** Every file and directory of the host with all that a write would change. */
function traces(directory: string): Readonly<Record<string, string>> {
  const names = ['.', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })];
  return Object.fromEntries(
    names.map((name) => {
      const { ino, mode, size, mtimeNs, ctimeNs } = statSync(join(directory, name), { bigint: true });
      return [name, [ino, mode, size, mtimeNs, ctimeNs].join(' ')];
    }),
  );
}

describe.skipIf(!has('flock'))('an idle tick', () => {
  hostTest('loads nothing it does not use, starts no program and writes no file (invariant 12)', async ({ host }) => {
    await mustBeIdle(host, 'GET /api/v1/releases/latest/app/md5');
  });

  hostTest('is no dearer where the server has an index (invariant 12)', async ({ host }) => {
    host.server.offersIndex();
    await mustBeIdle(host, 'GET /api/v1/index.json');
  });

  timeTest(
    'loads nothing of reports but in the minute in which it keeps alive, and writes nothing then (invariant 12)',
    async ({ host }) => {
      host.manages({ name: 'app', service: false });
      host.server.wantsReports();
      host.server.publish('app', Buffer.from('#!/bin/sh\n'));
      await host.tick();
      await untilSettled();
      await host.run(['run', '--quiet']);
      const index = 'GET /api/v1/index.json';
      const keepalive = expect.stringMatching(/^POST .*\/keepalive\?node_id=\w+&node=/);

      for (const { minutes, reports, requests } of [
        { minutes: 1, reports: [], requests: [index] },
        { minutes: 0, reports: ['bin-manager-bodies.ts', 'bin-manager.ts', 'none.ts'], requests: [index, keepalive] },
      ]) {
        beginAt(host, await minutesAfterKeepalive(minutes));
        // What was found at another time is not believed.
        await host.run(['run', '--quiet'], FAKED);
        host.server.requests.splice(0);
        const before = traces(host.directory);
        const idle = await measuredQuietTick(host, FAKED);
        expect([idle.code, idle.stderr, idle.children]).toEqual([0, '', []]);
        expect(host.server.requests).toEqual(requests);
        expect(idle.packages).toEqual([]);
        const loaded = idle.modules.filter((module) => module.startsWith('src/reports/'));
        expect(loaded.map((module) => module.slice('src/reports/'.length)).sort()).toEqual(reports);
        expect(idle.modules.includes('src/platform/http-post.ts')).toBe(requests.length > 1);
        expect(idle.modules.filter((module) => /^src\/(engine|services|probes)\//.test(module))).toEqual([
          'src/engine/look.ts',
          'src/engine/standstill.ts',
        ]);
        expect(traces(host.directory)).toEqual(before);
      }
    },
  );

  hostTest('loads ky and undici only where a proxy is set (invariant 12)', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', Buffer.from('#!/bin/sh\n'));
    await host.tick();
    await untilSettled();
    await host.tick();
    const idle = await measuredTick(host, { https_proxy: 'http://127.0.0.1:1' });
    expect(idle.binaries).toMatchObject([{ name: 'app', outcome: 'up-to-date' }]);
    expect(idle.packages).toEqual(['ky', 'undici']);
  });
});

/** Brings a host to rest, and measures one tick more. */
async function mustBeIdle(host: Host, question: string): Promise<void> {
  host.manages({ name: 'app', service: false });
  host.server.publish('app', Buffer.from('#!/bin/sh\n'));

  const acting = await measuredTick(host);
  expect(acting.binaries).toMatchObject([{ name: 'app', outcome: 'updated' }]);
  expect(acting.packages).toEqual(expect.arrayContaining(['fs-extra', 'proper-lockfile', 'winston', 'zod']));
  expect(acting.modules).toContain('src/engine/act.ts');
  expect(acting.children).toContain('flock');

  await untilSettled();
  await host.run(['run', '--quiet']);
  const before = traces(host.directory);
  const requests = host.server.requests.length;

  const idle = await measuredQuietTick(host);
  expect([idle.code, idle.stdout, idle.stderr]).toEqual([0, '', '']);
  expect(idle.children).toEqual([]);
  expect(idle.packages).toEqual([]);
  if (process.env['UPDATE'] === '1') writeFileSync(GOLDEN, `${idle.modules.join('\n')}\n`);
  expect(idle.modules).toEqual(readFileSync(GOLDEN, 'utf8').trim().split('\n'));
  expect(traces(host.directory)).toEqual(before);
  expect(host.server.requests.slice(requests)).toEqual([question]);
}
