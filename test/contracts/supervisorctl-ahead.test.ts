import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunCommand } from '../../src/platform/command.ts';
import { runCommand } from '../../src/platform/command.ts';
import { STARTED_BY } from '../../src/platform/processes.ts';
import { Supervisor } from '../../src/services/supervisor.ts';
import { SupervisorSocket } from '../../src/services/supervisor-socket.ts';
import { Supervisorctl } from '../../src/services/supervisorctl.ts';
import { has } from '../support/components.ts';
import { endsOnceThereIs, Supervisord } from '../support/supervisord.ts';

const NOT_ABORTED = new AbortController().signal;

/** The way to supervisord where a supervisorctl is started before its order is known. */
describe.skipIf(!has('supervisord', 'supervisorctl'))('a supervisorctl that was started ahead', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bin-proxy-ahead-'));
  const supervisord = new Supervisord(directory);
  const word = join(directory, 'word');
  /** The actions that other supervisorctls were started for. */
  const started: string[] = [];
  const run: RunCommand = (file, args, limits) => {
    started.push(args[2] ?? '');
    return runCommand(file, args, limits);
  };

  beforeAll(async () => {
    supervisord.program({ name: 'app', command: 'sleep 1000' });
    supervisord.program({ name: 'other', command: 'sleep 1000' });
    supervisord.program({
      name: 'deaf',
      command: `sh -c "trap '' TERM; while :; do sleep 1; done"`,
      options: ['stopwaitsecs=2'],
    });
    supervisord.program({
      name: 'late',
      command: endsOnceThereIs(word),
      options: ['stopwaitsecs=600'],
    });
    await supervisord.start();
    for (const name of ['app', 'other', 'deaf', 'late']) await supervisord.untilState(name, 'RUNNING');
  });
  afterAll(async () => {
    await supervisord.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    started.length = 0;
  });

  function ahead(configuration = supervisord.configuration): Supervisorctl {
    const ctl = new Supervisorctl(run, configuration);
    ctl.startAhead();
    return ctl;
  }

  it('carries out the first order, and is the only one that is started for it', async () => {
    const ctl = ahead();
    await ctl.ready();
    const [app, other] = [await supervisord.pid('app'), await supervisord.pid('other')];

    await ctl.act('restart', ['app'], NOT_ABORTED);

    expect(await supervisord.state('app')).toBe('RUNNING');
    expect(await supervisord.pid('app')).not.toBe(app);
    expect(await supervisord.pid('other')).toBe(other);
    expect(started).toEqual([]);

    await ctl.act('restart', ['app', 'other'], NOT_ABORTED);
    expect(await supervisord.pid('other')).not.toBe(other);
    expect(started).toEqual(['restart']);
  });

  it('takes an order also from somebody who has not asked whether it is ready', async () => {
    const before = await supervisord.pid('app');
    await ahead().act('restart', ['app'], NOT_ABORTED);
    expect(await supervisord.pid('app')).not.toBe(before);
    expect(started).toEqual([]);
  });

  it('has carried out its order only when supervisord has', async () => {
    const ctl = ahead();
    await ctl.act('stop', ['deaf'], NOT_ABORTED);
    expect(await supervisord.state('deaf')).toBe('STOPPED');
    await ctl.act('start', ['deaf'], NOT_ABORTED);
    expect(await supervisord.state('deaf')).toBe('RUNNING');
  });

  it('cannot be told anything where supervisord has stopped answering', async () => {
    const ctl = ahead();
    await ctl.ready();
    supervisord.signal('SIGSTOP');
    const told = ctl.act('restart', ['app'], AbortSignal.timeout(300));
    await expect(told).rejects.toMatchObject({ reason: 'supervisor-unreachable' });
    supervisord.signal('SIGCONT');
    await supervisord.untilState('app', 'RUNNING');
  });

  it('is tried before anything is touched: where it cannot be run, its status says why, each time', async () => {
    const ctl = ahead(join(directory, 'nosuch.conf'));
    for (let time = 0; time < 2; time++) {
      await expect(ctl.ready()).rejects.toMatchObject({
        reason: 'supervisor-unreachable',
        message: expect.stringContaining('could not find config file') as string,
      });
    }
    expect(started).toEqual(['status']);
  });

  it('is waited for by a run that comes after the one that gave it its order and died', async () => {
    // It has one of its own, which waits for an order.
    const ctl = ahead();
    const manager = new Supervisor(ctl, new SupervisorSocket({ address: { socketPath: supervisord.socket } }, ctl));
    const before = await supervisord.pid('late');
    const line = `export ${STARTED_BY}=$$; echo restart late | supervisorctl -c ${supervisord.configuration} --interactive`;
    const dead = spawn('sh', ['-c', `${line} & sleep 0`], { stdio: 'ignore' });
    await once(dead, 'exit');
    await supervisord.untilState('late', 'STOPPING');

    const settled = manager.settle(['late']);
    writeFileSync(word, '');

    expect(await settled).toBe('settled');

    expect(await supervisord.state('late')).toBe('RUNNING');
    expect(await supervisord.pid('late')).not.toBe(before);
  });
});
