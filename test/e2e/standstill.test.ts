import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { atRest, INDEX, looks, tick, v1, v2 } from '../support/at-rest.ts';
import { beginAt, FAKED, minutesAfterKeepalive, stayAt, timeTest } from '../support/fake-time.ts';
import type { Host } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { ReleaseServer } from '../support/release-server.ts';
import { untilSettled } from '../support/settled.ts';

/** Other bytes, as many, with the same times. */
function tamper(file: string): void {
  const { atime, mtime } = statSync(file);
  writeFileSync(file, v2);
  utimesSync(file, atime, mtime);
}

describe.concurrent('a host at a standstill', () => {
  hostTest('asks one question, and does not look (invariant 12)', async ({ host }) => {
    await atRest(host);
    const written = statSync(join(host.stateDir, 'standstill.jsonl'), { bigint: true }).ctimeNs;
    for (let round = 0; round < 2; round++) expect(await looks(host)).toBe(false);
    expect(host.server.requests).toEqual([INDEX, INDEX]);
    expect(statSync(join(host.stateDir, 'standstill.jsonl'), { bigint: true }).ctimeNs).toBe(written);
    // Whoever wants to know of each binary is told of it.
    expect((await host.tick()).binaries).toMatchObject([{ outcome: 'up-to-date' }, { outcome: 'held' }]);
  });

  hostTest('takes a new release with the question it asks', async ({ host }) => {
    await atRest(host);
    host.server.publish('app', v2);
    expect((await tick(host)).stdout).toMatch(/^app .*updated/);
    expect(host.installed('app')).toEqual(v2);
    // The second one is that of the look under the lock.
    expect(host.server.requests.filter((one) => one === INDEX)).toHaveLength(2);
  });

  const DISTURBANCES: readonly (readonly [string, (host: Host) => void])[] = [
    ['has other bytes, as many, with the same times', (host) => tamper(host.path('app'))],
    ['is gone', (host) => rmSync(host.path('app'))],
    [
      'is another one of the same name',
      (host) => {
        writeFileSync(host.path('other'), v2, { mode: 0o755 });
        renameSync(host.path('other'), host.path('app'));
      },
    ],
    [
      'is a symlink now',
      (host) => {
        const elsewhere = join(host.directory, 'elsewhere');
        writeFileSync(elsewhere, v2, { mode: 0o755 });
        rmSync(host.path('app'));
        symlinkSync(elsewhere, host.path('app'));
      },
    ],
  ];
  for (const [what, disturb] of DISTURBANCES) {
    hostTest(`puts right a file that ${what}`, async ({ host }) => {
      await atRest(host);
      disturb(host);
      expect((await tick(host)).stdout).toMatch(/^app .*updated/);
      expect(host.installed('app')).toEqual(v1);
    });
  }

  hostTest('sees what lies behind a symlink', async ({ host }) => {
    const [here, there] = ['here', 'there'].map((name) => join(host.directory, name)) as [string, string];
    for (const [directory, bytes] of [[here, v1] as const, [there, v2] as const]) {
      mkdirSync(directory);
      writeFileSync(join(directory, 'app'), bytes, { mode: 0o755 });
    }
    const link = join(host.directory, 'current');
    symlinkSync(here, link);
    host.manages({ name: 'app', service: false, path: join(link, 'app') });
    host.server.offersIndex();
    host.server.publish('app', v1);
    await untilSettled();
    await tick(host);
    expect(await looks(host)).toBe(false);
    rmSync(link);
    symlinkSync(there, link);
    expect((await tick(host)).stdout).toMatch(/^app .*updated/);
    expect(readFileSync(join(there, 'app'))).toEqual(v1);
  });

  timeTest('does not come to rest on a file that has changed just now', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.install('app', v1);
    host.server.offersIndex();
    host.server.publish('app', v1);
    await untilSettled();
    tamper(host.path('app'));
    // The same bytes again: another change of this moment could leave the same times.
    writeFileSync(host.path('app'), v1);
    const standstill = join(host.stateDir, 'standstill.jsonl');
    const { ctime } = statSync(host.path('app'));
    for (const [seconds, comes] of [
      [0, false],
      [60, true],
    ] as const) {
      stayAt(host, new Date(ctime.getTime() + seconds * 1000));
      expect(await tick(host, FAKED)).toEqual({ code: 0, stdout: '', stderr: '' });
      expect([seconds, existsSync(standstill)]).toEqual([seconds, comes]);
    }
  });

  hostTest('reads the manifest anew when it has changed, and its settings', async ({ host }) => {
    await atRest(host);
    host.server.publish('tool', v2);
    host.server.requests.splice(0);
    host.manages({ name: 'app', service: false }, { name: 'tool', service: false });
    expect((await tick(host)).stdout).toMatch(/^tool .*updated/);
    await untilSettled();
    await tick(host);
    expect(await looks(host)).toBe(false);

    const elsewhere = join(host.directory, 'elsewhere');
    mkdirSync(elsewhere);
    for (const name of ['app', 'tool']) linkSync(host.path(name), join(elsewhere, name));
    writeFileSync(join(elsewhere, 'tool'), v1);
    expect((await tick(host, { BIN_DIR: elsewhere })).stdout).toMatch(/^tool .*updated/);
  });

  hostTest('believes no other server, and none that is away', async ({ host }) => {
    await atRest(host);
    const other = await ReleaseServer.start();
    try {
      other.offersIndex();
      other.publish('app', v2);
      expect((await tick(host, { BIN_MANAGER_API: other.api })).stdout).toMatch(/^app .*updated/);
      expect(host.installed('app')).toEqual(v2);
    } finally {
      await other.stop();
    }
    expect((await tick(host)).stdout).toMatch(/^app .*updated/);
    await untilSettled();
    await tick(host);
    expect(await looks(host)).toBe(false);
    await host.server.stop();
    expect((await tick(host)).code).toBe(69);
    await host.server.listen(0);
  });

  hostTest('does what an earlier run has left', async ({ host }) => {
    await atRest(host);
    writeFileSync(join(host.stateDir, 'journal.json'), '{"cut off');
    expect((await tick(host)).code).toBe(0);
    expect(existsSync(join(host.stateDir, 'journal.json'))).toBe(false);
  });

  hostTest('looks where what it knew is damaged, and knows it again', async ({ host }) => {
    await atRest(host);
    const file = join(host.stateDir, 'standstill.jsonl');
    const sound = readFileSync(file, 'utf8');
    const [head = '', target = ''] = sound.split('\n');
    const first = JSON.parse(head) as Record<string, unknown>;
    const headed = (changed: Readonly<Record<string, unknown>>, ...lines: readonly string[]) =>
      [JSON.stringify({ ...first, ...changed }), ...lines, ''].join('\n');
    const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
    const [path] = JSON.parse(target) as [string];
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{}',
      head,
      `${head}\n`,
      sound.slice(0, -1),
      sound.slice(0, -9),
      `${sound}${target}`,
      `${sound}${target}\n`,
      headed({}, '{}'),
      headed({}, JSON.stringify([path, null])),
      headed({}, JSON.stringify([path])),
      headed({ targets: undefined }, target),
      headed({ mark: 7 }, target),
      headed({ key: 'another' }, target),
      headed({ mark: String(first['mark']).replace('http://', 'http://x.') }, target),
      headed({ schema: 'bin-proxy/standstill/2' }, target),
      headed({ at: 'yesterday' }, target),
    ]) {
      writeFileSync(file, text);
      expect([text, await looks(host)]).toEqual([text, true]);
      expect(await looks(host)).toBe(false);
    }
    // One of another time is not believed, and not written again before it has to be.
    for (const at of [anHourAgo, new Date(Date.now() + 3_700_000).toISOString()]) {
      writeFileSync(file, headed({ at }, target));
      expect([at, await looks(host)]).toEqual([at, true]);
      expect([at, await looks(host)]).toEqual([at, false]);
    }
  });

  hostTest('never comes to rest on what only the past excuses', async ({ host }) => {
    await atRest(host);
    expect((await host.run(['hold', 'app'])).code).toBe(0);
    host.server.publish('app', v2);
    for (let round = 0; round < 2; round++) {
      expect((await tick(host)).code).toBe(0);
      expect(host.installed('app')).toEqual(v1);
    }
    expect((await host.run(['unhold', 'app'])).code).toBe(0);
    expect((await tick(host)).stdout).toMatch(/^app .*updated/);
    expect(host.installed('app')).toEqual(v2);
  });

  timeTest('keeps alive in its minute, and in no other', async ({ host }) => {
    host.server.wantsReports();
    await atRest(host);
    for (const [minutes, expected] of [
      [1, [INDEX]],
      [0, [INDEX, expect.stringMatching(/^POST .*\/keepalive\?/) as string]],
    ] as const) {
      host.server.requests.splice(0);
      beginAt(host, await minutesAfterKeepalive(minutes));
      expect(await tick(host, FAKED)).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(host.server.requests).toEqual(expected);
    }
  });
});
