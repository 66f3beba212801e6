import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { type Host, PROGRAM } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { program } from '../support/program.ts';

const [v1, v2, v3, bad] = [program('1'), program('2'), program('3'), program('bad', { life: 1_600 })];
const worse = program('worse', { life: 1_600 });
const STABLE = { BIN_PROXY_STABLE_SECONDS: '2' };
const GROUP = ['app:0', 'app:1', 'app:2'] as const;

function restarts(host: Host): readonly string[] {
  return Array.from(readFileSync(host.logFile, 'utf8').matchAll(/restarting (.*)/g), ([, names = '']) => names);
}

/** Until it goes on, the process does not end, and whoever is to restart it waits. */
async function suspended(host: Host, process: string): Promise<{ goesOn(): void }> {
  const pid = await host.supervisor.pid(process);
  kill(pid, 'SIGSTOP');
  return { goesOn: () => void kill(pid, 'SIGCONT') };
}

describe('a whole group', () => {
  hostTest('is restarted one process first, and then the rest', async ({ host }) => {
    host.install('app', v1);
    const options = ['numprocs=3', 'process_name=%(process_num)d', 'stopwaitsecs=600'];
    host.supervisor.program({ name: 'app', command: host.path('app'), options });
    await host.supervisor.start();
    for (const process of GROUP) await host.supervisor.untilState(process, 'RUNNING');
    const pids = () => Promise.all(GROUP.map((process) => host.supervisor.pid(process)));
    host.manages({ name: 'app', service: 'app:*' });

    // The first one fails: the others were never touched, and run on with the file that comes back.
    const before = await pids();
    host.server.publish('app', bad);
    expect(outcomeOf(await host.tick([], STABLE), 'app')).toMatchObject({
      outcome: 'rolled-back',
      reason: 'did-not-stay-up',
    });
    const after = await pids();
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(after[0]).not.toBe(before[0]);
    expect(host.installed('app')).toEqual(v1);
    for (const process of GROUP) expect(await host.runsInstalled('app', process)).toBe(true);

    host.server.publish('app', v2);
    expect(outcomeOf(await host.tick([], STABLE), 'app')).toMatchObject({ outcome: 'updated', service: 'restarted' });
    for (const process of GROUP) expect(await host.runsInstalled('app', process)).toBe(true);
    expect(restarts(host)).toEqual(['app:0', 'app:0', 'app:1, app:2']);

    // What somebody stops while the first one is watched stays stopped, also where the release goes back (invariant 7).
    host.server.publish('app', worse);
    const one = await suspended(host, 'app:0');
    const failing = host.tick([], STABLE);
    while (restarts(host).length < 4) await delay(50);
    await host.supervisor.ctl('stop', 'app:2');
    one.goesOn();
    expect(outcomeOf(await failing, 'app')).toMatchObject({ outcome: 'rolled-back' });
    expect(await host.supervisor.state('app:2')).toBe('STOPPED');
    for (const process of ['app:0', 'app:1']) expect(await host.runsInstalled('app', process)).toBe(true);
    await host.supervisor.ctl('start', 'app:2');

    // And so does what is stopped between the two.
    host.server.publish('app', v3);
    const first = await suspended(host, 'app:0');
    const running = host.tick([], STABLE);
    while (restarts(host).length < 5) await delay(50);
    await host.supervisor.ctl('stop', 'app:2');
    first.goesOn();
    expect(outcomeOf(await running, 'app')).toMatchObject({ outcome: 'updated' });
    expect(restarts(host).slice(4)).toEqual(['app:0', 'app:1']);
    expect(await host.supervisor.state('app:2')).toBe('STOPPED');
    for (const process of ['app:0', 'app:1']) expect(await host.runsInstalled('app', process)).toBe(true);
  });

  hostTest('left half stopped by a run that died runs as a whole after the next one', async ({ host }) => {
    host.install('app', v1);
    const options = ['numprocs=3', 'process_name=%(process_num)d', 'stopwaitsecs=600'];
    host.supervisor.program({ name: 'app', command: host.path('app'), options });
    await host.supervisor.start();
    for (const process of GROUP) await host.supervisor.untilState(process, 'RUNNING');
    host.manages({ name: 'app', service: 'app:*' });
    host.server.publish('app', v2);

    const second = await suspended(host, 'app:1');
    const tick = spawn(process.execPath, [PROGRAM, 'run'], {
      env: host.environment(STABLE),
      stdio: 'ignore',
    });
    const ended = once(tick, 'exit');
    while (!existsSync(host.logFile) || restarts(host).length < 2) await delay(20);
    tick.kill('SIGKILL');
    await ended;
    await host.untilUnlocked();
    second.goesOn();
    // As its supervisorctl would have left it, had that died as well between stop and start.
    await host.supervisor.settled();
    await host.supervisor.ctl('stop', 'app:2');

    expect(outcomeOf(await host.tick([], STABLE), 'app')).toMatchObject({ outcome: 'updated' });
    for (const process of GROUP) expect(await host.runsInstalled('app', process)).toBe(true);
    expect(host.leftovers()).toEqual([]);
  });
});
