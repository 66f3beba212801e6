import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import { beginAt, FAKED, minutesAfterKeepalive, timeTest } from '../support/fake-time.ts';
import type { Host, RanTick } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A digest is kept only of a file that has not changed for 2 s. */
const SETTLED_MS = 2_100;

interface Measured extends RanTick {
  /** Packages of which a file was loaded, whether imported or required. */
  readonly packages: readonly string[];
  /** Our own modules, as `folder/file.js`. */
  readonly modules: readonly string[];
  /** Programs that were started. */
  readonly children: readonly string[];
}

/** A tick as node itself tells of it: V8's coverage names every loaded file, its debug log every started program. */
async function measuredTick(host: Host, more: Readonly<Record<string, string>> = {}): Promise<Measured> {
  const coverage = mkdtempSync(join(tmpdir(), 'bin-proxy-coverage-'));
  try {
    const ran = await host.tick([], { NODE_V8_COVERAGE: coverage, NODE_DEBUG: 'child_process', ...more });
    const files = readdirSync(coverage).flatMap((name) => loadedFiles(join(coverage, name)));
    const inPackages = files.map((file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
    return {
      ...ran,
      packages: [...new Set(inPackages.filter((name) => name !== undefined))].sort(),
      modules: files.filter((file) => file.startsWith('dist/')).map((file) => file.slice('dist/'.length)),
      children: Array.from(ran.stderr.matchAll(/^ {2}file: '(.*)',$/gm), ([, file = '']) => file),
    };
  } finally {
    rmSync(coverage, { recursive: true });
  }
}

function loadedFiles(coverage: string): readonly string[] {
  const { result } = JSON.parse(readFileSync(coverage, 'utf8')) as { result: readonly { readonly url: string }[] };
  return result.filter(({ url }) => url.startsWith('file:')).map(({ url }) => relative(ROOT, fileURLToPath(url)));
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
      await delay(SETTLED_MS);
      await host.tick();
      const before = traces(host.directory);
      const index = 'GET /api/v1/index.json';
      const keepalive = expect.stringMatching(/^POST .*\/keepalive\?node_id=\w+&node=/);

      for (const { minutes, reports, requests } of [
        { minutes: 1, reports: [], requests: [index] },
        { minutes: 0, reports: ['bin-manager-bodies.js', 'bin-manager.js', 'none.js'], requests: [index, keepalive] },
      ]) {
        host.server.requests.splice(0);
        beginAt(host, await minutesAfterKeepalive(minutes));
        const idle = await measuredTick(host, FAKED);
        expect([idle.code, idle.stderr, idle.children]).toEqual([0, '', []]);
        expect(host.server.requests).toEqual(requests);
        expect(idle.packages).toEqual([]);
        const loaded = idle.modules.filter((module) => module.startsWith('reports/'));
        expect(loaded.map((module) => module.slice('reports/'.length)).sort()).toEqual(reports);
        expect(idle.modules.includes('platform/http-post.js')).toBe(requests.length > 1);
        expect(idle.modules.filter((module) => /^(engine|services|probes)\//.test(module))).toEqual(['engine/look.js']);
        expect(traces(host.directory)).toEqual(before);
      }
    },
  );

  hostTest('loads ky and undici only where a proxy is set (invariant 12)', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', Buffer.from('#!/bin/sh\n'));
    await host.tick();
    await delay(SETTLED_MS);
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
  expect(acting.modules).toContain('engine/act.js');
  expect(acting.children).toContain('flock');

  await delay(SETTLED_MS);
  await host.tick();
  const before = traces(host.directory);
  const requests = host.server.requests.length;

  const idle = await measuredTick(host);
  expect(idle.binaries).toMatchObject([{ name: 'app', outcome: 'up-to-date' }]);
  expect(idle.code).toBe(0);
  expect(idle.stderr).toBe('');
  expect(idle.children).toEqual([]);
  expect(idle.packages).toEqual([]);
  expect(idle.modules.filter((module) => /^(engine|services|probes)\//.test(module))).toEqual(['engine/look.js']);
  expect(traces(host.directory)).toEqual(before);
  expect(host.server.requests.slice(requests)).toEqual([question]);
}
