import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { hostTest, outcomeOf, rootHostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2, v3] = [program('1'), program('2'), program('3')];

describe.concurrent('a good release', () => {
  hostTest('is installed where nothing was, and proven before it is recorded (invariant 3)', async ({ host }) => {
    host.manages('app');
    host.supervisor.program({ name: 'app', command: host.path('app') });
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'FATAL');
    host.server.publish('app', v1);

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated', reason: 'not-installed', service: 'restarted' });
    expect(ran.code).toBe(0);
    expect(host.installed('app')).toEqual(v1);
    expect(statSync(host.path('app')).mode & 0o7777).toBe(0o755);
    expect(await host.runsInstalled('app')).toBe(true);
    expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(v1) });
  });

  hostTest('replaces the former one: the process runs the new inode (invariants 1 and 3)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    const before = await host.supervisor.pid('app');

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({
      outcome: 'updated',
      reason: 'new-release',
      service: 'restarted',
      from: `md5:${md5(v1)}`,
      to: `md5:${md5(v2)}`,
    });
    expect(host.installed('app')).toEqual(v2);
    expect(await host.supervisor.pid('app')).not.toBe(before);
    expect(await host.runsInstalled('app')).toBe(true);
    expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(v2) });
    expect(host.backups('app')).toEqual([`app.md5-${md5(v1)}`]);
    expect(host.leftovers()).toEqual([]);
    expect(host.history()).toMatchObject([{ name: 'app', outcome: 'updated', to: `md5:${md5(v2)}` }]);
  });

  hostTest('leaves a service that was stopped on purpose stopped (invariant 7)', async ({ host }) => {
    await host.runs('app', v1);
    await host.supervisor.ctl('stop', 'app');
    host.manages('app');
    host.server.publish('app', v2);

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated', service: 'left-stopped' });
    expect(host.installed('app')).toEqual(v2);
    expect(await host.supervisor.state('app')).toBe('STOPPED');
  });

  hostTest('restarts every process of group:* but the one that was stopped (invariant 7)', async ({ host }) => {
    host.install('app', v1);
    for (const name of ['a', 'b', 'c']) host.supervisor.program({ name, command: host.path('app') });
    host.supervisor.group('web', ['a', 'b', 'c']);
    await host.supervisor.start();
    for (const name of ['a', 'b', 'c']) await host.supervisor.untilState(`web:${name}`, 'RUNNING');
    await host.supervisor.ctl('stop', 'web:b');
    host.manages({ name: 'app', service: 'web:*' });
    host.server.publish('app', v2);

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated', service: 'restarted' });
    expect(await host.runsInstalled('app', 'web:a')).toBe(true);
    expect(await host.runsInstalled('app', 'web:c')).toBe(true);
    expect(await host.supervisor.state('web:b')).toBe('STOPPED');
  });

  hostTest('of two binaries of one service causes one restart', async ({ host }) => {
    host.install('tool', v1);
    await host.runs('app', v1);
    host.manages('app', { name: 'tool', service: 'app' });
    host.server.publish('app', v2);
    host.server.publish('tool', v3);

    const ran = await host.tick();

    expect(ran.binaries.map(({ outcome }) => outcome)).toEqual(['updated', 'updated']);
    expect(host.log().match(/restarting app/g)).toHaveLength(1);
    expect(readFileSync(join(host.directory, 'app.out.log'), 'utf8')).toBe('started VERSION=1\nstarted VERSION=2\n');
    expect(host.installed('tool')).toEqual(v3);
  });

  hostTest('keeps the newest backups only', async ({ host }) => {
    host.install('app', program('0'));
    host.manages({ name: 'app', service: false, keep: 2 });
    for (const version of ['1', '2', '3', '4']) {
      host.server.publish('app', program(version));
      expect((await host.tick()).code).toBe(0);
    }
    expect([...host.backups('app')].sort()).toEqual(
      [program('2'), program('3')].map((old) => `app.md5-${md5(old)}`).sort(),
    );
  });

  hostTest('follows a pinned version', async ({ host }) => {
    host.manages({ name: 'app', version: '1.4.2', service: false });
    host.server.publish('app', v2, 'latest');
    host.server.publish('app', v1, '1.4.2');
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', version: '1.4.2' });
    expect(host.installed('app')).toEqual(v1);
  });

  hostTest('repairs a file that was changed on this host, whatever the manifest claims', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    await host.tick();
    host.install('app', v1.subarray(0, 1000));

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated', reason: 'drifted' });
    expect(host.installed('app')).toEqual(v1);
  });

  hostTest('updates a script, whose process is its interpreter', async ({ host }) => {
    const script = (version: string) =>
      Buffer.from(`#!/bin/sh\necho ${version}\ntrap 'exit 0' TERM\nwhile :; do sleep 1; done\n`);
    await host.runs('app', script('1'));
    host.manages('app');
    host.server.publish('app', script('2'));
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', service: 'restarted' });
    expect(host.installed('app')).toEqual(script('2'));
  });

  hostTest('updates a program behind a wrapper that stays its parent', async ({ host }) => {
    host.install('app', v1);
    const options = ['stopasgroup=true', 'killasgroup=true'];
    host.supervisor.program({ name: 'app', command: `/bin/sh -c "${host.path('app')}; true"`, options });
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'RUNNING');
    host.manages('app');
    host.server.publish('app', v2);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', service: 'restarted' });
  });
});

describe.concurrent('what is replaced', () => {
  hostTest('is the file behind a symlink, not the link', async ({ host }) => {
    await host.runs('app', v1);
    const real = join(host.directory, 'opt');
    mkdirSync(real);
    renameSync(host.path('app'), join(real, 'app-real'));
    symlinkSync('../opt/app-real', host.path('app'));
    await host.supervisor.ctl('restart', 'app');
    await host.supervisor.untilState('app', 'RUNNING');
    host.manages('app');
    host.server.publish('app', v2);

    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });

    expect(readlinkSync(host.path('app'))).toBe('../opt/app-real');
    expect(readFileSync(join(real, 'app-real'))).toEqual(v2);
    expect(existsSync(join(host.binDir, '.bin-proxy'))).toBe(false);
  });

  rootHostTest('keeps owner, mode, capabilities and xattrs', async ({ host }) => {
    host.install('app', v1);
    const path = host.path('app');
    execFileSync('chown', ['nobody:daemon', path]);
    chmodSync(path, 0o2750);
    execFileSync('setfattr', ['-n', 'user.origin', '-v', 'factory', path]);
    execFileSync('setcap', ['cap_net_bind_service=+ep', path]);
    const before = statSync(path);
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v2);

    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', service: 'none' });

    const after = statSync(path);
    expect([after.uid, after.gid, after.mode & 0o7777]).toEqual([before.uid, before.gid, 0o2750]);
    expect(execFileSync('getcap', [path], { encoding: 'utf8' })).toContain('cap_net_bind_service=ep');
    expect(execFileSync('getfattr', ['--only-values', '-n', 'user.origin', path], { encoding: 'utf8' })).toBe(
      'factory',
    );
    expect(after.mtimeMs).toBeGreaterThan(before.mtimeMs);
  });

  rootHostTest('takes the mode and owner that the manifest names', async ({ host }) => {
    host.manages({ name: 'app', service: false, mode: '0710', owner: 'nobody:daemon' });
    host.server.publish('app', v1);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    const { mode, uid, gid } = statSync(host.path('app'));
    const id = (flag: string, name: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
    expect([mode & 0o7777, uid, gid]).toEqual([0o710, id('-u', 'nobody'), id('-g', 'daemon')]);
  });
});
