import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import { type Host, PROGRAM, runProgram } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';
import { RunningTick } from './during.ts';
import { QUICK } from './scenarios.ts';

const clockTest = has('faketime') ? hostTest : hostTest.skip;
const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 400 })];
const DAY_MS = 86_400_000;

/** A tick of a process whose wall clock stands elsewhere: `+10y`, `-1d`, `@1970-01-01 00:10:00`. */
async function tickAt(host: Host, when: string): Promise<{ code: number | null; stderr: string; outcome: string }> {
  const environment = { ...host.environment(QUICK), FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' };
  const ran = await runProgram('faketime', ['-f', when, process.execPath, PROGRAM, 'run', '--json'], environment);
  const { binaries } = JSON.parse(ran.stdout) as { binaries: { outcome: string; reason: string }[] };
  return { code: ran.code, stderr: ran.stderr, outcome: binaries.map((one) => `${one.outcome} ${one.reason}`).join() };
}

/** A record as an earlier tick has left it. */
function remembers(host: Host, more: Record<string, unknown>): void {
  const file = join(host.stateDir, 'binaries', 'app.json');
  const before = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...before, ...more }));
}

async function badRelease(host: Host): Promise<void> {
  await host.runs('app', v1);
  host.manages('app');
  host.server.publish('app', bad);
}

describe.concurrent('a clock that jumps', () => {
  clockTest('ends a quarantine when it is ten years on, and does not make one last for ever', async ({ host }) => {
    await badRelease(host);
    // Found bad while the clock was ten years ahead; then somebody has set it right.
    expect((await tickAt(host, '+3650d')).outcome).toBe('rolled-back did-not-start');
    const year = String(new Date(Date.now() + 3650 * DAY_MS).getUTCFullYear());
    expect(host.record('app')).toMatchObject({ quarantine: [{ until: expect.stringContaining(year) as string }] });
    expect((await tickAt(host, '+3650d')).outcome).toBe('held quarantined');
    expect((await tickAt(host, '+0')).outcome).toBe('rolled-back did-not-start');
    // From now on it is a quarantine like any other: a day back only makes it a day longer.
    expect((await tickAt(host, '+0')).outcome).toBe('held quarantined');
    expect((await tickAt(host, '-1d')).outcome).toBe('held quarantined');
    expect(host.installed('app')).toEqual(v1);
    expect(await host.runsInstalled('app')).toBe(true);
  });

  clockTest('holds nothing back for longer than the longest back-off', async ({ host }) => {
    host.install('app', v1);
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    host.server.publish('app', v2);
    host.server.answer('/releases/latest/app/download', (_, response) => response.destroy());
    for (let time = 0; time < 2; time++) await host.tick(['--force'], QUICK);
    const backoff = host.record('app')?.['backoff'] as Record<string, unknown>;
    host.server.answer('/releases/latest/app/download', undefined);
    const at = (ms: number) => ({ backoff: { ...backoff, notBefore: new Date(Date.now() + ms).toISOString() } });
    remembers(host, at(3_500_000));
    expect((await tickAt(host, '+0')).outcome).toBe('held backing-off');
    remembers(host, at(DAY_MS));
    expect((await tickAt(host, '+0')).outcome).toBe('updated new-release');
  });

  clockTest('does not stretch a probation to years', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    expect((await tickAt(host, '+3650d')).outcome).toBe('updated new-release');
    expect(existsSync(join(host.stateDir, 'probation.json'))).toBe(true);
    expect((await tickAt(host, '+0')).outcome).toBe('up-to-date up-to-date');
    expect(existsSync(join(host.stateDir, 'probation.json'))).toBe(false);
  });

  for (const jump of ['+1d', '-1d', '+3650d']) {
    clockTest(`by ${jump} in the middle of a run changes neither its windows nor its lock`, async ({ host }) => {
      await host.runs('app', v1);
      host.manages('app');
      host.server.publish('app', v2);
      const offset = join(host.directory, 'offset');
      writeFileSync(offset, '+0');
      const preload = execFileSync('faketime', ['-m', '-f', '+0', 'printenv', 'LD_PRELOAD'], {
        encoding: 'utf8',
      }).trim();
      const faked = {
        LD_PRELOAD: preload,
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const tick = new RunningTick(host, { ...faked, BIN_PROXY_STABLE_SECONDS: '7' });
      await tick.until('restarting app');
      writeFileSync(offset, jump);
      const ran = await tick.end();
      expect(ran).toMatchObject({ code: 0, stderr: '', binaries: [{ outcome: 'updated' }] });
      // proper-lockfile refreshes its directory every five seconds: it must have done so after the jump.
      expect(host.record('app')).toMatchObject({ active: { release: `md5:${md5(v2)}` } });
      expect(Math.abs(Date.parse(String(host.history()[0]?.['at'])) - Date.now())).toBeGreaterThan(DAY_MS / 2);
      expect(readdirSync(join(host.directory, 'run'))).toEqual(['lock']);
    });
  }

  clockTest(
    'to 1970 keeps no release from being installed, and a tick after it finds nothing to do',
    async ({ host }) => {
      await host.runs('app', v1);
      host.manages('app');
      host.server.publish('app', v2);
      const boot = '@1970-01-01 00:10:00';
      expect(await tickAt(host, boot)).toMatchObject({ code: 0, stderr: '', outcome: 'updated new-release' });
      expect((await tickAt(host, boot)).outcome).toBe('up-to-date up-to-date');
      // Unchanged files are not hashed every minute, whatever the clock says (invariant 12).
      const cache = JSON.parse(readFileSync(join(host.stateDir, 'cache.json'), 'utf8')) as { files: object };
      expect(Object.keys(cache.files)).toEqual([host.path('app')]);
      expect((await tickAt(host, '+0')).outcome).toBe('up-to-date up-to-date');
      expect(host.history().map((line) => String(line['at']).slice(0, 4))).toEqual(['1970']);
    },
  );
});
