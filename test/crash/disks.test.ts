import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Host, RanTick } from '../support/host.ts';
import { mountTest, outcomeOf } from '../support/host-test.ts';
import { fill, type Mounts, makeRoom, useUpInodes } from '../support/mounts.ts';
import { md5, program } from '../support/program.ts';
import { duringTick, eventually } from './during.ts';
import { QUICK } from './scenarios.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 400 })];
const LARGE = 4 << 20;

/** An update that needs no supervisord. */
function withoutService(host: Host, release = v2): void {
  host.install('app', v1);
  host.manages({ name: 'app', service: false });
  host.server.publish('app', release);
}

async function withService(host: Host, release: Buffer): Promise<void> {
  await host.runs('app', v1);
  host.manages('app');
  host.server.publish('app', release);
}

function downloads({ server }: Host): number {
  return server.requests.filter((path) => path.endsWith('/download')).length;
}

/** As it was: the former file, nothing staged, no journal. */
function expectUntouched(host: Host): void {
  expect(host.installed('app')).toEqual(v1);
  expect(host.leftovers()).toEqual([]);
}

const KINDS = ['tmpfs', 'ext4'] as const;

describe.concurrent('a full file system', () => {
  for (const kind of KINDS) {
    mountTest(
      `(${kind}) of the target: nothing is downloaded, and room ends it (invariant 5)`,
      async ({ host, mounts }) => {
        mounts[kind](host.binDir);
        withoutService(host);
        fill(host.binDir);
        const ran = await host.tick([], QUICK);
        const outcome = outcomeOf(ran, 'app');
        expect(outcome).toMatchObject({ outcome: 'failed', reason: 'no-space' });
        expect(outcome.detail).toContain(host.binDir);
        expect(outcome.hint).toContain('Free some space');
        expect(downloads(host)).toBe(0);
        expectUntouched(host);
        expect(host.record('app')).toMatchObject({ quarantine: [], backoff: { count: 1 } });
        makeRoom(host.binDir);
        expect(outcomeOf(await host.tick(['--force'], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
      },
    );

    mountTest(`(${kind}) of the target while it is downloaded to: nothing is left of it`, async ({ host, mounts }) => {
      mounts[kind](host.binDir);
      const large = Buffer.concat([v2, Buffer.alloc(LARGE)]);
      withoutService(host, large);
      host.server.answer('/releases/latest/app/download', (_, response) => {
        response.writeHead(200, { 'content-length': large.length });
        response.write(large.subarray(0, LARGE / 2), () => {
          fill(host.binDir);
          response.end(large.subarray(LARGE / 2));
        });
      });
      const outcome = outcomeOf(await host.tick([], QUICK), 'app');
      expect(outcome).toMatchObject({ outcome: 'failed', reason: 'no-space' });
      expect(outcome.detail).toContain(host.binDir);
      expectUntouched(host);
      // What was staged is gone, so that its room is there again.
      fill(host.binDir);
      makeRoom(host.binDir);
      host.server.answer('/releases/latest/app/download', undefined);
      expect(outcomeOf(await host.tick(['--force'], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
    });

    mountTest(
      `(${kind}) of the state directory: nothing is downloaded, and room alone ends it`,
      async ({ host, mounts }) => {
        mounts[kind](host.stateDir);
        mkdirSync(join(host.stateDir, 'binaries'));
        withoutService(host);
        fill(host.stateDir);
        for (let tick = 0; tick < 2; tick++) {
          const ran = await host.tick([], QUICK);
          expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'no-space' });
          expect(outcomeOf(ran, 'app').detail).toContain(`cannot write the state directory ${host.stateDir}`);
          expect(outcomeOf(ran, 'app')).not.toHaveProperty('nextAttempt');
          expect(ran.stderr).toBe('');
        }
        expect(downloads(host)).toBe(0);
        expectUntouched(host);
        makeRoom(host.stateDir);
        expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
      },
    );

    mountTest(
      `(${kind}) everywhere, while a bad release is proven: it is rolled back all the same`,
      async ({ host, mounts }) => {
        mounts[kind](host.binDir);
        mounts[kind](host.stateDir);
        await withService(host, bad);
        const ran = await duringTick(host, 'restarting app', () => {
          fill(host.binDir);
          fill(host.stateDir);
        });
        expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back' });
        expect(host.installed('app')).toEqual(v1);
        expect(await host.runsInstalled('app')).toBe(true);
        expect(ran.stderr).toContain('app: cannot record the failure: ENOSPC');
      },
    );
  }

  mountTest('of the log: one warning, and the update goes on (invariant 8)', async ({ host, mounts }) => {
    const log = join(mounts.ext4(join(host.directory, 'log')), 'log');
    writeFileSync(log, Buffer.alloc(4096, '.'));
    withoutService(host);
    fill(join(host.directory, 'log'));
    const ran = await host.tick([], { ...QUICK, LOG_FILE: log });
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(ran.stderr).toMatch(/^bin-proxy: cannot write the log: ENOSPC.*\/log\/log'\n$/);
  });

  mountTest('of the lock: the mutex needs no room, and the update goes on', async ({ host, mounts }) => {
    const run = mounts.ext4(join(host.directory, 'run'));
    writeFileSync(host.lockFile, '');
    withoutService(host);
    fill(run);
    const ran = await host.tick([], QUICK);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(ran.stderr).toBe('');
    expect(existsSync(`${host.lockFile}.d`)).toBe(false);
  });

  mountTest('of the manifest: the release stays, it is said, and later recorded', async ({ host, mounts }) => {
    const manifest = join(mounts.ext4(join(host.directory, 'etc')), 'bin-manifests.json');
    withoutService(host);
    copyFileSync(host.manifest, manifest);
    fill(join(host.directory, 'etc'));
    const before = readFileSync(manifest, 'utf8');
    const settings = { ...QUICK, BIN_MANIFESTS: manifest };
    const ran = await host.tick([], settings);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(ran.stderr).toContain('updated, but it cannot be recorded: app: ENOSPC');
    expect(ran.stderr).toContain(manifest);
    expect(readFileSync(manifest, 'utf8')).toBe(before);
    makeRoom(join(host.directory, 'etc'));
    await host.tick([], settings);
    expect(readFileSync(manifest, 'utf8')).toContain(md5(v2));
    expect(host.leftovers()).toEqual([]);
  });

  mountTest('of the state directory, before its first use: it is said what is full', async ({ host, mounts }) => {
    mounts.ext4(host.stateDir);
    withoutService(host);
    fill(host.stateDir);
    const ran = await host.run(['run'], QUICK);
    expect(ran).toMatchObject({ code: 74, stdout: '' });
    expect(ran.stderr).toContain('ENOSPC');
    expect(ran.stderr).toContain('Free some space');
    expectUntouched(host);
  });

  mountTest(
    'of the state directory, while a good release is proven: it stays, and is recorded later',
    async ({ host, mounts }) => {
      mounts.ext4(host.stateDir);
      await withService(host, v2);
      const ran = await duringTick(host, 'restarting app', () => fill(host.stateDir));
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
      expect(ran.code).toBe(0);
      expect(ran.stderr).toContain('updated, but it cannot be recorded: app: ENOSPC');
      const pid = await host.supervisor.pid('app');
      // As long as there is no room every tick proves it again, without another restart.
      expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
      makeRoom(host.stateDir);
      await host.tick([], QUICK);
      expect(await host.supervisor.pid('app')).toBe(pid);
      expect(host.record('app')).toMatchObject({ active: { release: `md5:${md5(v2)}` } });
      expect(host.leftovers()).toEqual([]);
    },
  );

  mountTest('of the state directory: what fails on probation goes back all the same', async ({ host, mounts }) => {
    mounts.ext4(host.stateDir);
    const names = ['app', 'other'];
    for (const name of names) {
      host.install(name, v1);
      host.supervisor.program({ name, command: host.path(name), options: ['autorestart=false'] });
      host.server.publish(name, v2);
    }
    await host.supervisor.start();
    for (const name of names) await host.supervisor.untilState(name, 'RUNNING');
    host.manages(...names);
    expect((await host.tick([], QUICK)).code).toBe(0);
    process.kill(await host.supervisor.pid('app'), 'SIGSEGV');
    await host.supervisor.untilState('app', 'EXITED');
    fill(host.stateDir);

    const ran = await host.tick([], QUICK);

    expect(ran.stderr).toContain('cannot note which releases are on probation: ENOSPC');
    expect(host.installed('app')).toEqual(v1);
    expect(await host.runsInstalled('app')).toBe(true);
    // What failed cannot be remembered, so it is the disk that keeps it from being tried again.
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'no-space' });
    expect(outcomeOf(ran, 'other')).toMatchObject({ outcome: 'up-to-date' });
  });

  mountTest('with too little room for the release: the disk is blamed, not the release', async ({ host, mounts }) => {
    mounts.tmpfs(host.binDir, 'size=12m');
    withoutService(host, Buffer.concat([v2, Buffer.alloc(LARGE)]));
    const outcome = outcomeOf(await host.tick([], QUICK), 'app');
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'no-space' });
    expect(outcome.hint).toContain('Free some space');
    expectUntouched(host);
  });

  mountTest('without inodes: nothing is touched, and a bad release still goes back', async ({ host, mounts }) => {
    mounts.tmpfs(host.binDir, 'size=32m,nr_inodes=40');
    await withService(host, v2);
    useUpInodes(host.binDir);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'failed', reason: 'no-space' });
    expectUntouched(host);
    makeRoom(host.binDir);
    host.server.publish('app', bad);
    const ran = await duringTick(host, 'restarting app', () => useUpInodes(host.binDir));
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back' });
    expect(host.installed('app')).toEqual(v1);
    expect(await host.runsInstalled('app')).toBe(true);
  });
});

describe.concurrent('a read-only file system', () => {
  const readOnly = async (host: Host, mounts: Mounts, point: string): Promise<RanTick> => {
    mounts.remount(point, 'ro');
    const ran = await host.tick([], QUICK);
    mounts.remount(point, 'rw');
    return ran;
  };

  mountTest('of the target: it is said, and nothing is downloaded', async ({ host, mounts }) => {
    mounts.ext4(host.binDir);
    withoutService(host);
    const outcome = outcomeOf(await readOnly(host, mounts, host.binDir), 'app');
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'no-permission' });
    expect(outcome.detail).toContain('EROFS');
    expect(outcome.hint).toBe('Mount this file system so that it can be written.');
    expect(downloads(host)).toBe(0);
    expect(outcomeOf(await host.tick(['--force'], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
  });

  mountTest(
    'of the state directory: it is said, nothing is downloaded, and its end ends it',
    async ({ host, mounts }) => {
      mounts.ext4(host.stateDir);
      mkdirSync(join(host.stateDir, 'binaries'));
      withoutService(host);
      const ran = await readOnly(host, mounts, host.stateDir);
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'no-permission' });
      expect(downloads(host)).toBe(0);
      expect(ran.stderr).toBe('');
      expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
    },
  );

  mountTest('of log and manifest: the update stays, and both are named', async ({ host, mounts }) => {
    const place = mounts.ext4(join(host.directory, 'etc'));
    withoutService(host);
    const settings = { ...QUICK, BIN_MANIFESTS: join(place, 'manifest.json'), LOG_FILE: join(place, 'log') };
    copyFileSync(host.manifest, settings.BIN_MANIFESTS);
    mounts.remount(place, 'ro');
    const first = await host.tick([], settings);
    expect(outcomeOf(first, 'app')).toMatchObject({ outcome: 'updated' });
    expect(first.stderr.match(/cannot write the log: EROFS/g)).toHaveLength(1);
    expect(first.stderr.match(/it cannot be recorded: app: EROFS/g)).toHaveLength(1);
    // The work on it ends, also where /etc is never writable.
    for (let tick = 0; tick < 4; tick++) await host.tick([], settings);
    const idle = await host.tick([], settings);
    expect(idle).toMatchObject({ code: 0, stderr: '' });
    expect(outcomeOf(idle, 'app')).toMatchObject({ outcome: 'up-to-date' });
    expect(host.leftovers()).toEqual([]);
  });

  mountTest('of the lock: exit code 77, and it is said where', async ({ host, mounts }) => {
    mounts.ext4(join(host.directory, 'run'));
    withoutService(host);
    mounts.remount(join(host.directory, 'run'), 'ro');
    const ran = await host.run(['run'], QUICK);
    expect(ran.code).toBe(77);
    expect(ran.stderr).toContain(`cannot lock ${host.lockFile}: EROFS`);
    expectUntouched(host);
  });

  mountTest(
    'of the target from the check on: nothing is replaced, and the next ticks get there',
    async ({ host, mounts }) => {
      mounts.ext4(host.binDir);
      host.install('app', v1);
      // The last thing that happens before the live file is touched.
      const check = ['sh', '-c', `test -e ${host.directory}/mended || mount -o remount,ro ${host.binDir}`, '{file}'];
      host.manages({ name: 'app', service: false, check });
      host.server.publish('app', v2);
      const outcome = outcomeOf(await host.tick([], QUICK), 'app');
      expect(outcome).toMatchObject({ outcome: 'failed', reason: 'no-permission' });
      expect(host.installed('app')).toEqual(v1);
      mounts.remount(host.binDir, 'rw');
      writeFileSync(join(host.directory, 'mended'), '');
      expect(outcomeOf(await host.tick(['--force'], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
      expect(host.leftovers()).toEqual([]);
    },
  );

  mountTest(
    'of the target while a bad release is proven: exit code 21, and it goes back later',
    async ({ host, mounts }) => {
      mounts.ext4(host.binDir);
      await withService(host, bad);
      const ran = await duringTick(host, 'restarting app', async () => {
        // Executing it is no obstacle; the moment in which it is replaced would be.
        await eventually(() => host.installed('app').equals(bad));
        mounts.remount(host.binDir, 'ro');
      });
      expect(ran.code).toBe(21);
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rollback-failed' });
      expect(outcomeOf(ran, 'app')).toHaveProperty('rollbackDetail', expect.stringContaining('EROFS'));
      mounts.remount(host.binDir, 'rw');
      expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'rolled-back' });
      expect(host.installed('app')).toEqual(v1);
      expect(await host.runsInstalled('app')).toBe(true);
      expect(host.leftovers()).toEqual([]);
    },
  );
});
