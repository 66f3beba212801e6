import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import { has } from '../support/components.ts';
import type { Host } from '../support/host.ts';
import { mountTest, outcomeOf, rootHostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';
import { QUICK } from './scenarios.ts';

const capabilityTest = has('setcap', 'getcap') ? rootHostTest : rootHostTest.skip;
const [v1, v2, v3] = [program('1'), program('2'), program('3')];

function withoutService(host: Host): void {
  host.install('app', v1);
  host.manages({ name: 'app', service: false });
  host.server.publish('app', v2);
}

async function update(host: Host): Promise<Outcome> {
  return outcomeOf(await host.tick(['--force'], QUICK), 'app');
}

describe.concurrent('a target', () => {
  mountTest(
    'on a file system that executes nothing: it is said, and the service runs on (invariant 2)',
    async ({ host, mounts }) => {
      mounts.ext4(host.binDir);
      await host.runs('app', v1);
      const pid = await host.supervisor.pid('app');
      mounts.remount(host.binDir, 'noexec');
      host.manages('app');
      host.server.publish('app', v2);
      const ran = await host.tick([], QUICK);
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'not-runnable' });
      expect(outcomeOf(ran, 'app').detail).toContain('noexec');
      expect(host.installed('app')).toEqual(v1);
      expect(host.leftovers()).toEqual([]);
      expect(await host.supervisor.pid('app')).toBe(pid);
      expect(host.server.requests.filter((path) => path.endsWith('/download'))).toEqual([]);
      mounts.remount(host.binDir, 'exec');
      // The host was to blame: neither quarantine nor waiting.
      expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
    },
  );

  mountTest('there that is not executed itself is updated', async ({ host, mounts }) => {
    mounts.ext4(host.binDir);
    mounts.remount(host.binDir, 'noexec');
    const script = (text: string) => Buffer.from(`#!/bin/sh\necho ${text}\n`);
    host.install('app', script('1'));
    host.manages({ name: 'app', service: false, mode: '0644' });
    host.server.publish('app', script('2'));
    expect(await update(host)).toMatchObject({ outcome: 'updated' });
    expect(statSync(host.path('app')).mode & 0o777).toBe(0o644);
  });

  for (const flag of ['i', 'a']) {
    for (const what of ['file', 'directory'] as const) {
      mountTest(
        `whose ${what} has the attribute +${flag}: it is said, and nothing is left of the try`,
        async ({ host, mounts }) => {
          mounts.ext4(host.binDir);
          withoutService(host);
          expect(await update(host)).toMatchObject({ outcome: 'updated' });
          host.server.publish('app', v3);
          const path = what === 'file' ? host.path('app') : host.binDir;
          execFileSync('chattr', [`+${flag}`, path]);
          const outcome = await update(host);
          expect(outcome).toMatchObject({ outcome: 'failed', reason: 'no-permission' });
          expect(outcome.hint).toContain('lsattr');
          expect(host.installed('app')).toEqual(v2);
          expect(host.leftovers()).toEqual([]);
          execFileSync('chattr', [`-${flag}`, path]);
          expect(await update(host)).toMatchObject({ outcome: 'updated' });
        },
      );
    }
  }

  mountTest('that is itself a mount: the error says so, and what to do', async ({ host, mounts }) => {
    withoutService(host);
    host.install('other', v1);
    mounts.bind(host.path('other'), host.path('app'));
    const outcome = await update(host);
    expect(outcome).toMatchObject({ outcome: 'failed' });
    expect(outcome.hint).toContain('mount its directory');
    expect(host.installed('app')).toEqual(v1);
    expect(host.leftovers()).toEqual([]);
  });

  mountTest('in a directory that is a bind mount is updated', async ({ host, mounts }) => {
    const real = join(host.directory, 'real');
    mkdirSync(real);
    mounts.bind(real, host.binDir);
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    expect(await update(host)).toMatchObject({ outcome: 'updated' });
    expect(await host.runsInstalled('app')).toBe(true);
    expect(readFileSync(join(real, 'app'))).toEqual(v2);
  });

  mountTest('whose workshop is on another mount: the error says so, and what to do', async ({ host, mounts }) => {
    withoutService(host);
    mounts.tmpfs(join(host.binDir, '.bin-proxy', 'staging'));
    chmodSync(join(host.binDir, '.bin-proxy', 'staging'), 0o700);
    const outcome = await update(host);
    expect(outcome).toMatchObject({ outcome: 'failed' });
    expect(outcome.hint).toContain('nothing below its .bin-proxy');
    expect(host.installed('app')).toEqual(v1);
    expect(host.leftovers()).toEqual([]);
  });

  mountTest('with a backup from the future keeps the newest one, not that (invariant 6)', async ({ host, mounts }) => {
    mounts.ext4(host.binDir);
    host.install('app', v1);
    host.manages({ name: 'app', service: false, keep: 1 });
    host.server.publish('app', v2);
    await update(host);
    const [backup = ''] = host.backups('app');
    const future = new Date(Date.now() + 5 * 365 * 86_400_000);
    mounts.setChangeTime(host.binDir, `/.bin-proxy/backups/app/${backup}`, future);
    const { ctime } = statSync(join(host.binDir, '.bin-proxy', 'backups', 'app', backup));
    expect(ctime.getUTCFullYear()).toBe(future.getUTCFullYear());
    host.server.publish('app', v3);
    expect(await update(host)).toMatchObject({ outcome: 'updated' });
    expect(host.backups('app')).toEqual([`app.md5-${md5(v2)}`]);
  });

  mountTest('that is a symlink to another file system stays one, and is updated there', async ({ host, mounts }) => {
    const opt = mounts.ext4(join(host.directory, 'opt'));
    writeFileSync(join(opt, 'app-real'), v1, { mode: 0o755 });
    symlinkSync(join(opt, 'app-real'), host.path('app'));
    host.supervisor.program({ name: 'app', command: host.path('app') });
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'RUNNING');
    host.manages('app');
    host.server.publish('app', v2);
    expect(await update(host)).toMatchObject({ outcome: 'updated' });
    expect(readFileSync(join(opt, 'app-real'))).toEqual(v2);
    expect(await host.runsInstalled('app')).toBe(true);
    expect(readdirSync(join(opt, '.bin-proxy', 'staging'))).toEqual([]);
    expect(existsSync(join(host.binDir, '.bin-proxy'))).toBe(false);
  });
});

describe.concurrent('a target', () => {
  rootHostTest('with a second name: only the managed one is replaced', async ({ host }) => {
    withoutService(host);
    linkSync(host.path('app'), host.path('twin'));
    expect(await update(host)).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app')).toEqual(v2);
    expect(host.installed('twin')).toEqual(v1);
  });

  capabilityTest('keeps its setuid bit, and its capabilities', async ({ host }) => {
    withoutService(host);
    chmodSync(host.path('app'), 0o4755);
    execFileSync('setcap', ['cap_net_bind_service=ep', host.path('app')]);
    expect(await update(host)).toMatchObject({ outcome: 'updated' });
    expect(statSync(host.path('app')).mode & 0o7777).toBe(0o4755);
    expect(execFileSync('getcap', [host.path('app')], { encoding: 'utf8' })).toContain('cap_net_bind_service=ep');
  });
});
