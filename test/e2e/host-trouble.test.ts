import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { PROGRAM, runProgram } from '../support/host.ts';
import { hostTest, outcomeOf, rootHostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2] = [program('1'), program('2')];
const downloads = (requests: readonly string[]) => requests.filter((path) => path.endsWith('/download'));

describe.concurrent('a host in trouble', () => {
  hostTest('with supervisord down: nothing is touched or fetched, and the next tick goes on', async ({ host }) => {
    await host.runs('app', v1);
    await host.supervisor.stop();
    host.manages('app');
    host.server.publish('app', v2);

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'supervisor-unreachable' });
    expect(ran.code).toBe(20);
    expect(host.installed('app')).toEqual(v1);
    expect(downloads(host.server.requests)).toEqual([]);
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'RUNNING');
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
  });

  hostTest(
    'whose supervisorctl cannot be run, though supervisord answers: nothing is touched, or fetched to its end (invariant 2)',
    async ({ host }) => {
      await host.runs('app', v1);
      host.manages('app');
      host.server.publish('app', v2);
      // A download that nobody would see the end of.
      host.server.answer('/releases/latest/app/download', (_, response) => {
        const trickle = setInterval(() => response.write('.'), 100);
        response.on('close', () => clearInterval(trickle));
      });
      const folder = join(host.directory, 'path');
      mkdirSync(folder);
      writeFileSync(join(folder, 'supervisorctl'), '#!/usr/bin/python3\nimport supervisor_of_old\n', { mode: 0o755 });
      const pid = await host.supervisor.pid('app');

      const broken = { PATH: `${folder}:${process.env['PATH']}` };
      const slow = await host.tick([], broken);
      host.server.answer('/releases/latest/app/download', undefined);
      const fast = await host.tick([], broken);

      for (const ran of [slow, fast])
        expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'supervisor-unreachable' });
      expect(host.installed('app')).toEqual(v1);
      expect(await host.supervisor.pid('app')).toBe(pid);
      expect(host.record('app')).toBeUndefined();
      expect(host.leftovers()).toEqual([]);
    },
  );

  hostTest('with supervisord hung: the wait is bounded and nothing is touched', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    host.supervisor.signal('SIGSTOP');
    const ran = await host.tick();
    host.supervisor.signal('SIGCONT');
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'supervisor-unreachable' });
    expect(host.installed('app')).toEqual(v1);
  });

  hostTest('with a program supervisor does not know: only that binary is left alone', async ({ host }) => {
    host.install('other', v1);
    await host.runs('app', v1);
    host.manages('app', 'other');
    host.server.publish('app', v2);
    host.server.publish('other', v2);

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(outcomeOf(ran, 'other')).toMatchObject({ outcome: 'failed', reason: 'unknown-service' });
    expect(outcomeOf(ran, 'other').hint).toContain('[program:other]');
    expect(host.installed('other')).toEqual(v1);
  });

  hostTest('whose service runs a file from another place: it is said before anything is touched', async ({ host }) => {
    mkdirSync(join(host.directory, 'elsewhere'));
    const elsewhere = join(host.directory, 'elsewhere', 'app');
    writeFileSync(elsewhere, v1, { mode: 0o755 });
    host.install('app', v1);
    host.supervisor.program({ name: 'app', command: elsewhere });
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'RUNNING');
    host.manages('app');
    host.server.publish('app', v2);
    const pid = await host.supervisor.pid('app');

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'runs-another-file' });
    expect(host.installed('app')).toEqual(v1);
    expect(await host.supervisor.pid('app')).toBe(pid);
  });

  hostTest(
    'on which nothing can run any more: the rollback fails, with both causes and exit code 21 (invariant 6)',
    async ({ host }) => {
      const flag = join(host.directory, 'database-is-up');
      const needy = (version: string) =>
        Buffer.from(
          `#!/bin/sh\n[ -e ${flag} ] || exit 7\necho ${version}\ntrap 'exit 0' TERM\nwhile :; do sleep 0.2; done\n`,
        );
      writeFileSync(flag, '');
      await host.runs('app', needy('1'));
      rmSync(flag);
      host.manages('app');
      host.server.publish('app', needy('2'));

      const ran = await host.tick();

      const outcome = outcomeOf(ran, 'app');
      expect(ran.code).toBe(21);
      expect(outcome).toMatchObject({ outcome: 'rollback-failed', reason: 'did-not-start' });
      expect(outcome).toHaveProperty('rollbackDetail', expect.stringContaining('the former version fails as well'));
      expect(host.installed('app')).toEqual(needy('1'));
      expect(host.record('app')).toMatchObject({ quarantine: [], backoff: { count: 1 } });
      for (const command of ['status', 'explain app --offline', 'history'])
        expect((await host.run(command.split(' '))).stdout).toMatch(
          /(BACKOFF|FATAL).*; and the rollback failed: the former version fails as well: app: /,
        );
      expect(host.leftovers()).toEqual([]);
    },
  );

  hostTest(
    'whose rollback fails again: it is told as that, though another release waits behind it (exit code 21)',
    async ({ host }) => {
      await host.runs('app', v1);
      host.manages('app');
      host.server.publish('app', program('bad', { life: 300 }));
      // A supervisorctl that dies as soon as it is to stop something.
      const broken = host.whereSupervisorctl('stop', 'kill -9 $$');
      expect(outcomeOf(await host.tick([], broken), 'app')).toMatchObject({ outcome: 'rollback-failed' });
      host.server.publish('app', v2);

      const ran = await host.tick([], broken);

      expect(ran.code).toBe(21);
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rollback-failed' });
      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', to: `md5:${md5(v2)}` });
      expect(await host.runsInstalled('app')).toBe(true);
    },
  );

  hostTest('whose log cannot be written: one warning, and the update goes on (invariant 8)', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    const ran = await host.tick([], { LOG_FILE: '/proc/no/such/log' });
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(ran.stderr.match(/cannot write the log/g)).toHaveLength(1);
  });

  hostTest('whose target is a directory: it is said, and left as it is', async ({ host }) => {
    mkdirSync(host.path('app'));
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    const ran = await host.tick();
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'foreign-target' });
    expect(outcomeOf(ran, 'app').detail).toContain('found a directory');
  });

  hostTest('whose release server is away: exit code 69, and nothing else', async ({ host }) => {
    host.install('app', v1);
    host.manages('app');
    await host.server.stop();
    const ran = await host.tick();
    expect(ran.code).toBe(69);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'source-unreachable' });
    expect(outcomeOf(ran, 'app').detail).toContain('ECONNREFUSED');
  });

  hostTest('of which one binary cannot be asked for: the others go on', async ({ host }) => {
    host.manages({ name: 'good', service: false }, { name: 'missing', service: false });
    host.server.publish('good', v1);
    const ran = await host.tick();
    expect(outcomeOf(ran, 'good')).toMatchObject({ outcome: 'updated' });
    expect(outcomeOf(ran, 'missing')).toMatchObject({ outcome: 'failed', reason: 'no-such-release' });
    expect(ran.code).toBe(20);
  });
});

describe('a host without supervisorctl', () => {
  rootHostTest('gets its files, and the outcome says that nothing was restarted', async ({ host }) => {
    host.install('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    // A view of the machine in which supervisorctl was never installed, for this one process.
    const hide = [
      'for dir in /usr/bin /usr/local/bin; do',
      '  [ -e $dir/supervisorctl ] || continue',
      `  mkdir -p ${host.directory}/hide$dir/upper ${host.directory}/hide$dir/work`,
      `  mount -t overlay overlay -o lowerdir=$dir,upperdir=${host.directory}/hide$dir/upper,workdir=${host.directory}/hide$dir/work $dir`,
      '  rm $dir/supervisorctl',
      'done',
      `exec ${process.execPath} ${PROGRAM} run --json`,
    ].join('\n');
    const ran = await runProgram('unshare', ['-m', 'sh', '-ec', hide], host.environment());
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toMatchObject({
      exitCode: 0,
      binaries: [{ name: 'app', outcome: 'updated', service: 'not-restarted', to: `md5:${md5(v2)}` }],
    });
    expect(host.installed('app')).toEqual(v2);
  });
});
