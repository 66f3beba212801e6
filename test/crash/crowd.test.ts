import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Host, RanTick } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { signalHelpers } from '../support/lock-helpers.ts';
import { md5, program } from '../support/program.ts';
import { duringTick, eventually, RunningTick } from './during.ts';
import { QUICK } from './scenarios.ts';

const [v1, v2] = [program('1'), program('2')];
/** Fifty processes take their time where many other things run as well. */
const LIMIT_MS = 10 * 60_000;
const CROWD = 50;

async function withService(host: Host): Promise<void> {
  await host.runs('app', v1);
  host.manages('app');
  host.server.publish('app', v2);
}

function count(host: Host, pattern: RegExp): number {
  return host.server.requests.filter((path) => pattern.test(path)).length;
}

async function expectUpdated(host: Host): Promise<void> {
  expect(host.installed('app')).toEqual(v2);
  expect(await host.runsInstalled('app')).toBe(true);
  expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(v2) });
  expect(host.leftovers()).toEqual([]);
  expect(readdirSync(join(host.directory, 'run'))).toEqual(['lock']);
}

/** How often supervisord has started the program. */
function starts(host: Host): number {
  const log = readFileSync(join(host.directory, 'app.out.log'), 'utf8');
  return log.split('\n').filter((line) => line.startsWith('started')).length;
}

async function isStopped(pid: number): Promise<void> {
  await eventually(() => /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
}

describe('a crowd', () => {
  hostTest(
    'of fifty starts at once: one acts, the others end as documented and say it once (invariant 11)',
    { timeout: LIMIT_MS },
    async ({ host }) => {
      await withService(host);
      const crowd = Array.from({ length: CROWD }, () => new RunningTick(host));
      const ran = await Promise.all(crowd.map((tick) => tick.end()));
      const acted = ran.filter(({ binaries }) => binaries.some(({ outcome }) => outcome === 'updated'));
      expect(acted).toHaveLength(1);
      // The test's own release server may be too slow for fifty at once on a machine that does other things as well.
      const served = ran.filter(({ code }) => code !== 69);
      expect(served.filter(({ code }) => code !== 0 && code !== 75)).toEqual([]);
      expect(served.length).toBeGreaterThan(CROWD / 2);
      for (const { code, stderr } of ran) {
        expect(stderr.split('\n').length - 1).toBe(code === 75 ? 2 : 0);
        if (code === 75)
          expect(stderr).toMatch(/^bin-proxy: the lock .* is held by (pid \d+( since |, command )|another run)/);
      }
      expect(count(host, /download$/)).toBe(1);
      expect(starts(host)).toBe(2);
      expect(host.history()).toHaveLength(1);
      await expectUpdated(host);
    },
  );

  hostTest(
    'whose one that acts is killed: another one, or the next tick, puts it right (invariants 1 and 4)',
    { timeout: LIMIT_MS },
    async ({ host }) => {
      await withService(host);
      const crowd = Array.from({ length: CROWD }, () => new RunningTick(host));
      await eventually(() => existsSync(join(host.stateDir, 'journal.json')), 300);
      const { pid } = JSON.parse(readFileSync(`${host.lockFile}.owner`, 'utf8')) as { pid: number };
      expect(crowd.map((tick) => tick.pid)).toContain(pid);
      process.kill(pid, 'SIGKILL');
      const ran = await Promise.all(crowd.map((tick) => tick.end()));
      expect(ran.filter(({ code }) => ![null, 0, 69, 75].includes(code))).toEqual([]);
      expect([v1, v2].some((one) => one.equals(host.installed('app')))).toBe(true);
      await host.untilUnlocked();
      expect((await host.tick([], QUICK)).code).toBe(0);
      await expectUpdated(host);
    },
  );
});

describe.concurrent('a suspended run', () => {
  for (const line of ['downloading', 'restarting app']) {
    hostTest(
      `("${line}") keeps the lock; the next is told its pid, and it ends well (invariant 11)`,
      async ({ host }) => {
        await withService(host);
        const tick = new RunningTick(host, { BIN_PROXY_STABLE_SECONDS: '3' });
        await tick.until(line);
        process.kill(tick.pid, 'SIGSTOP');
        await isStopped(tick.pid);
        const next = await host.run(['run'], QUICK);
        expect(next).toMatchObject({ code: 75, stdout: '' });
        expect(next.stderr).toContain(`pid ${tick.pid} `);
        // The service goes through its start without being looked at.
        await delay(4000);
        process.kill(tick.pid, 'SIGCONT');
        const ran = await tick.end();
        expect(ran).toMatchObject({ code: 0, stderr: '', binaries: [{ outcome: 'updated' }] });
        await expectUpdated(host);
        expect(starts(host)).toBe(2);
      },
    );
  }

  hostTest('may be its helper alone: the run ends, and the lock with it', async ({ host }) => {
    await withService(host);
    const ran = await duringHelpers(host, 'SIGSTOP');
    expect(ran).toMatchObject({ code: 0, binaries: [{ outcome: 'updated' }] });
    await expectUpdated(host);
  });

  hostTest('whose helper is killed stops before its next live step; the next tick goes on', async ({ host }) => {
    await withService(host);
    const ran = await duringHelpers(host, 'SIGKILL');
    expect(ran.code).toBe(75);
    expect(ran.stderr).toMatch(/the lock .* was lost: its helper process ended/);
    await eventually(async () => (await host.tick([], QUICK)).code === 0);
    await expectUpdated(host);
    expect(starts(host)).toBe(2);
  });
});

async function duringHelpers(host: Host, signal: NodeJS.Signals): Promise<RanTick> {
  const tick = new RunningTick(host, { BIN_PROXY_STABLE_SECONDS: '3' });
  await tick.until('restarting app');
  // The restart itself is one step, which is not cut in two.
  await eventually(() => starts(host) === 2);
  await signalHelpers(tick.pid, host.lockFile, signal);
  return tick.end();
}

describe.concurrent('supervisord', () => {
  hostTest(
    'that hangs while a release is proven blames nobody, and a later tick gets there',
    { timeout: LIMIT_MS },
    async ({ host }) => {
      await withService(host);
      const ran = await duringTick(host, 'restarting app', async () => {
        await eventually(() => starts(host) === 2);
        host.supervisor.signal('SIGSTOP');
      });
      host.supervisor.signal('SIGCONT');
      expect([20, 21]).toContain(ran.code);
      expect(JSON.stringify(ran.binaries)).toContain('supervisorctl status');
      expect(host.record('app')).toMatchObject({ quarantine: [] });
      await eventually(async () => (await host.tick(['--force'], QUICK)).code === 0);
      await host.tick(['--force'], QUICK);
      await expectUpdated(host);
    },
  );

  for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
    hostTest(
      `that is restarted (${signal}) while a release is proven puts no blame on it (invariant 5)`,
      async ({ host }) => {
        await withService(host);
        const ran = await duringTick(host, 'restarting app', async () => {
          await eventually(() => starts(host) === 2);
          if (signal === 'SIGHUP') host.supervisor.signal('SIGHUP');
          else await host.supervisor.stop().then(() => host.supervisor.start());
        });
        const story = `${ran.stdout}\n${ran.stderr}\n${host.log()}`;
        expect([0, 20, 21], story).toContain(ran.code);
        expect(host.record('app'), story).toMatchObject({ quarantine: [] });
        await eventually(async () => (await host.tick(['--force'], QUICK)).code === 0);
        await host.tick(['--force'], QUICK);
        await expectUpdated(host);
      },
    );
  }

  hostTest('whose supervisorctl cannot run: nothing is touched or fetched, and it is said why', async ({ host }) => {
    await withService(host);
    const bin = join(host.directory, 'path');
    mkdirSync(bin);
    const broken = '#!/bin/sh\necho "ModuleNotFoundError: No module named supervisor" >&2\nexit 1\n';
    writeFileSync(join(bin, 'supervisorctl'), broken, { mode: 0o755 });
    const ran = await host.tick([], { ...QUICK, PATH: `${bin}:${process.env['PATH']}` });
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'supervisor-unreachable' });
    expect(outcomeOf(ran, 'app').detail).toContain('ModuleNotFoundError');
    expect(count(host, /download$/)).toBe(0);
    expect(host.installed('app')).toEqual(v1);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
  });
});

describe.concurrent('a run with little', () => {
  const limited = (host: Host, limits: string): Promise<RanTick> => {
    return new RunningTick(host, {}, ['sh', '-c', `${limits}; exec "$@"`, 'sh', process.execPath]).end();
  };

  for (const limits of ['ulimit -n 40', 'ulimit -f 8', 'ulimit -v 4000000']) {
    hostTest(`(${limits}) ends with a documented exit code, and the host is whole`, async ({ host }) => {
      await withService(host);
      const ran = await limited(host, limits);
      expect([0, 20, 69, 71, 74, 77], `${ran.code}\n${ran.stdout}\n${ran.stderr}`).toContain(ran.code);
      if (ran.stderr.includes('EMFILE')) expect(ran.stderr).toContain('ulimit -n');
      expect([v1, v2].some((one) => one.equals(host.installed('app')))).toBe(true);
      expect(await host.runsInstalled('app')).toBe(true);
      expect((await host.tick(['--force'], QUICK)).code).toBe(0);
      await expectUpdated(host);
    });
  }

  hostTest('of an environment, and with a strict umask, makes what everybody may execute', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app', { name: 'fresh', service: false });
    host.server.publish('app', v2);
    host.server.publish('fresh', v2);
    const settings = Object.entries(host.environment(QUICK)).filter(([key]) => key !== 'PATH');
    writeFileSync(
      join(host.directory, 'config'),
      settings.map(([key, value]) => `export ${key}="${value}"\n`).join(''),
    );
    const config = `BIN_PROXY_CONFIG=${join(host.directory, 'config')}`;
    const ran = await new RunningTick(host, {}, [
      'sh',
      '-c',
      `umask 077; exec env -i ${config} "$@"`,
      'sh',
      process.execPath,
    ]).end();
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    await expectUpdated(host);
    const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
    expect([host.path('app'), host.path('fresh')].map(mode)).toEqual(['755', '755']);
    expect([host.stateDir, join(host.binDir, '.bin-proxy'), join(host.directory, 'run')].map(mode)).toEqual([
      '700',
      '700',
      '700',
    ]);
    expect(mode(host.manifest)).toBe('644');
  });

  hostTest('room for its output goes on (invariant 8)', async ({ host }) => {
    await withService(host);
    const ran = await limited(host, 'exec >/dev/full 2>/dev/full');
    expect(ran.code).toBe(0);
    await expectUpdated(host);
  });
});
