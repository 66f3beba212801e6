import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Journal } from '../../src/domain/journal.ts';
import { processFacts } from '../../src/platform/processes.ts';
import { type Host, PROGRAM } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 1500 })];

interface Run {
  readonly args?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
}

/** Nothing is proven before this test has seen what it waits for, however slow the machine is. */
const UNPROVEN = { BIN_PROXY_STABLE_SECONDS: '600' };

/** Starts a run and kills it the moment `now` is true. */
async function killWhen(host: Host, now: () => boolean, { args = ['run'], settings = {} }: Run = {}): Promise<void> {
  const env = host.environment({ ...UNPROVEN, ...settings });
  const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (!now()) {
    if (child.exitCode !== null) throw new Error(`the tick ended before it could be killed: exit ${child.exitCode}`);
    await delay(5);
  }
  child.kill('SIGKILL');
  expect((await ended)[1]).toBe('SIGKILL');
  await host.untilUnlocked();
}

const logged = (host: Host, text: string) => () => existsSync(host.logFile) && host.log().includes(text);

const said = (host: Host, text: string) => () =>
  readFileSync(join(host.directory, 'app.out.log'), 'utf8').includes(text);

describe.concurrent('a tick killed in the middle (invariant 4)', () => {
  hostTest(
    'of the stability window: the next one proves what already runs, without another restart',
    async ({ host }) => {
      await host.runs('app', v1);
      host.manages('app');
      host.server.publish('app', v2);
      await killWhen(host, said(host, 'VERSION=2'));
      await host.supervisor.untilState('app', 'RUNNING');
      const pid = await host.supervisor.pid('app');

      const ran = await host.tick();

      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated', to: `md5:${md5(v2)}` });
      expect(await host.supervisor.pid('app')).toBe(pid);
      expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(v2) });
      expect(host.leftovers()).toEqual([]);
    },
  );

  hostTest(
    'whose supervisorctl is slow: what that does later is not blamed on the release (invariant 5)',
    async ({ host }) => {
      await host.runs('app', v1);
      host.manages('app');
      host.server.publish('app', v2);
      const asked = join(host.directory, 'asked');
      const dead = join(host.directory, 'dead');
      const settings = host.whereSupervisorctl(
        'restart',
        `touch ${asked}; until test -e ${dead}; do sleep 0.1; done; sleep 3`,
      );
      await killWhen(host, () => existsSync(asked), { settings });
      writeFileSync(dead, '');

      const ran = await host.tick([], { BIN_PROXY_STABLE_SECONDS: '4' });

      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated', to: `md5:${md5(v2)}` });
      expect(await host.runsInstalled('app')).toBe(true);
      expect(host.record('app')).toMatchObject({ quarantine: [] });
    },
  );

  hostTest('of an operator, before anything was decided: the next one removes what it left', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    await host.tick();
    // It has to ask supervisord before it decides anything.
    host.supervisor.signal('SIGSTOP');
    await killWhen(host, () => existsSync(`${host.lockFile}.owner`), { args: ['rollback', 'app'] });
    host.supervisor.signal('SIGCONT');
    // Written by that run, and by nobody who lives.
    const { pid } = JSON.parse(readFileSync(`${host.lockFile}.owner`, 'utf8')) as { pid: number };
    const temporary = join(host.directory, 'run', `.lock.owner.${pid}-0123456789ab.tmp`);
    writeFileSync(temporary, '');
    writeFileSync(join(host.binDir, '.bin-proxy', 'staging', 'app.0123456789ab'), 'half');
    expect(host.installed('app').equals(v2)).toBe(true);

    const ran = await host.tick();

    expect(ran.code).toBe(0);
    expect(host.leftovers()).toEqual([]);
    expect(existsSync(temporary)).toBe(false);
    expect(existsSync(`${host.lockFile}.d`)).toBe(false);
  });

  hostTest(
    'right before the first start of what was missing: the next one starts it, and blames nobody (invariant 5)',
    async ({ host }) => {
      host.supervisor.program({ name: 'app', command: host.path('app') });
      await host.supervisor.start();
      await host.supervisor.untilState('app', 'FATAL');
      host.manages('app');
      host.server.publish('app', v1);
      await killWhen(host, () => existsSync(host.path('app')));

      const ran = await host.tick();

      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
      expect(await host.runsInstalled('app')).toBe(true);
      expect(host.record('app')).toMatchObject({ quarantine: [] });
      expect(host.leftovers()).toEqual([]);
    },
  );

  hostTest('right before the restart: the next one makes the service run the new file', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    await killWhen(host, () => existsSync(join(host.stateDir, 'journal.json')));

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(await host.runsInstalled('app')).toBe(true);
    expect(host.leftovers()).toEqual([]);
  });

  hostTest('of the download: the next one begins anew and leaves no rubbish', async ({ host }) => {
    host.install('app', v1);
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v2);
    host.server.answer('/releases/latest/app/download', (_, response) => {
      response.writeHead(200, { 'content-length': v2.length });
      response.write(v2.subarray(0, 100));
    });
    await killWhen(host, () => host.leftovers().length > 0);
    host.server.answer('/releases/latest/app/download', undefined);

    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.leftovers()).toEqual([]);
  });

  hostTest(
    'of the write of a small file: the next one removes what is left, though it has nothing to do',
    async ({ host }) => {
      host.manages({ name: 'app', service: false });
      host.server.publish('app', v1);
      await host.tick();
      const dead = spawn('true');
      await once(dead, 'exit');
      const name = `.journal.json.${dead.pid}-0123456789ab.tmp`;
      const left = [host.stateDir, join(host.stateDir, 'binaries'), host.directory].map((folder) => join(folder, name));
      for (const file of [...left, join(host.binDir, '.bin-proxy', 'staging', 'app.0123456789ab')])
        writeFileSync(file, '');

      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'up-to-date' });

      expect(left.filter((file) => existsSync(file))).toEqual([]);
      expect(host.leftovers()).toEqual([]);
    },
  );

  hostTest('of a rollback: the next one goes on backwards and does not start the release again', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', bad);
    await killWhen(host, logged(host, 'rolling back'));

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back' });
    expect(host.installed('app')).toEqual(v1);
    expect(await host.runsInstalled('app')).toBe(true);
    expect(host.record('app')).toMatchObject({ quarantine: [{ release: `md5:${md5(bad)}` }] });
    const starts = readFileSync(join(host.directory, 'app.out.log'), 'utf8').match(/VERSION=bad/g) ?? [];
    // supervisord itself may have started it again before it was stopped; this program did so once.
    expect(host.log().match(/restarting app/g)).toHaveLength(1);
    expect(starts.length).toBeGreaterThan(0);
  });

  hostTest('while the service stops: the supervisorctl it has told starts it again (invariant 7)', async ({ host }) => {
    await host.runs('app', v1, ['stopwaitsecs=60']);
    host.manages('app');
    host.server.publish('app', v2);
    const pid = await host.supervisor.pid('app');
    // A stopped process ends when it goes on.
    process.kill(pid, 'SIGSTOP');
    const supervisorLog = join(host.directory, 'supervisord.log');
    // A container's environment may well have it. A word that is written at once is one that nobody is left to read.
    const settings = { PYTHONUNBUFFERED: '1' };
    await killWhen(host, () => readFileSync(supervisorLog, 'utf8').includes('waiting for app to stop'), { settings });
    process.kill(pid, 'SIGCONT');

    await host.supervisor.until(() => host.runsInstalled('app'));

    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', to: `md5:${md5(v2)}` });
  });

  hostTest.for([
    ['on its way forward: it is proven then', { attempts: 2 }, v2],
    [
      'on its way back: it goes back then',
      { attempts: 5, failed: { reason: 'did-not-stay-up', fault: 'release', detail: 'FATAL' } },
      v1,
    ],
  ] as const)(
    'and supervisord is away for longer than there are tries: nothing is given up, %s',
    async ([, noted, runs], { host }) => {
      await host.runs('app', v1);
      host.manages('app');
      host.server.publish('app', v2);
      await killWhen(host, said(host, 'VERSION=2'));
      await host.supervisor.settled();
      await host.supervisor.stop();
      const file = join(host.stateDir, 'journal.json');
      const journal = JSON.parse(readFileSync(file, 'utf8')) as Journal;
      writeFileSync(file, JSON.stringify({ ...journal, ...noted }));
      const goesBack = 'failed' in noted;
      for (let tick = 0; tick < 2; tick++) {
        expect(outcomeOf(await host.tick(), 'app')).toMatchObject(
          goesBack
            ? { outcome: 'rollback-failed', reason: 'did-not-stay-up' }
            : { outcome: 'failed', reason: 'supervisor-unreachable', left: 'unfinished' },
        );
      }
      const waits = goesBack ? 'and the rollback failed: supervisorctl' : 'the update of an earlier run waits for that';
      expect((await host.run(['run'])).stdout).toContain(waits);
      expect(host.installed('app')).toEqual(v2);
      await host.supervisor.start();
      await host.supervisor.untilState('app', 'RUNNING');

      const ran = await host.tick();

      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: goesBack ? 'rolled-back' : 'updated' });
      expect(host.installed('app')).toEqual(runs);
      expect(await host.runsInstalled('app')).toBe(true);
      expect(host.record('app')?.['quarantine']).toHaveLength(goesBack ? 1 : 0);
      expect(host.leftovers()).toEqual([]);
    },
  );

  hostTest('between stop and start: the service we stopped runs again (invariant 7)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    const stopped = join(host.directory, 'stopped');
    const stops = `supervisorctl -c ${host.supervisor.configuration} stop app`;
    const settings = host.whereSupervisorctl('restart', `${stops}; touch ${stopped}; exec sleep 60`);
    await killWhen(host, () => existsSync(stopped), { settings });
    expect(await host.supervisor.state('app')).toBe('STOPPED');

    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', service: 'restarted' });
    expect(await host.runsInstalled('app')).toBe(true);
  });
});

/** The process that supervisord runs now, as a journal names one. */
async function runningNow(host: Host): Promise<{ readonly pid: number; readonly startTime: string | undefined }> {
  const pid = await host.supervisor.pid('app');
  return { pid, startTime: (await processFacts(pid))?.startTime };
}

describe.concurrent('a rollback that died, perhaps with the machine (invariant 4)', () => {
  // Boots are much alike: a program may get the pid and the start time it had before the last one.
  hostTest.for([
    ['it was of another boot, so this process gets its restart', 'another', v1],
    ['it is of this boot, so this process was never restarted and is left alone', undefined, v2],
  ] as const)('the journal names the pid and the start time of a process: %s', async ([, bootId, runs], { host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    await killWhen(host, said(host, 'VERSION=2'));
    await host.supervisor.untilState('app', 'RUNNING');
    const file = join(host.stateDir, 'journal.json');
    const journal = JSON.parse(readFileSync(file, 'utf8')) as Journal;
    const failed = { reason: 'did-not-stay-up', fault: 'release', detail: 'FATAL' } as const;
    const now = await runningNow(host);
    const services = journal.services.map((service) => ({
      ...service,
      processes: service.processes.map((one) => ({ ...one, ...now })),
    }));
    writeFileSync(file, JSON.stringify({ ...journal, services, failed, bootId: bootId ?? journal.bootId }));

    await host.tick();

    expect(host.installed('app')).toEqual(v1);
    const digest = createHash('md5').update(readFileSync(`/proc/${await host.supervisor.pid('app')}/exe`));
    expect(digest.digest('hex')).toBe(md5(runs));
  });
});

describe.concurrent('damaged state', () => {
  hostTest('a journal is moved aside, and what lies on disk decides', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    await host.tick();
    writeFileSync(join(host.stateDir, 'journal.json'), '{"schema":');

    const ran = await host.tick();

    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('the journal of an unfinished update is damaged');
    expect(existsSync(join(host.stateDir, 'journal.json'))).toBe(false);
  });

  hostTest('a record or a cache is rebuilt', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    await host.tick();
    writeFileSync(join(host.stateDir, 'binaries', 'app.json'), 'rubbish');
    writeFileSync(join(host.stateDir, 'cache.json'), '[]');
    host.server.publish('app', v2);

    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.record('app')).toMatchObject({ active: { release: `md5:${md5(v2)}` } });
  });
});
