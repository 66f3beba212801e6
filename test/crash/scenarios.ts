import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { Host, PROGRAM } from '../support/host.ts';
import { outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 400 })];

/** A run that is struck, and what must hold once the next ones have put things right. */
export interface Scenario {
  readonly title: string;
  /** Programs under supervisord, before it starts. */
  readonly programs: readonly string[];
  /** The processes of each, which make a group of it; absent: one, and no group. */
  readonly copies?: number;
  /** The struck command, if it is not a tick. */
  readonly args?: readonly string[];
  /** Brings the host into the state in which the struck run begins. */
  reset(host: Host): Promise<void>;
  /** What may lie at the path of a program at any moment (invariant 1). */
  readonly whole: readonly (Buffer | undefined)[];
  /** What a run that nothing strikes ends with. */
  readonly exitCode: number;
  /** What must be true in the end. */
  converged(host: Host): Promise<void>;
}

/** A host with the scenario's programs, whose supervisord has not been started yet. */
export async function hostOf({ programs, copies }: Scenario): Promise<Host> {
  const host = await Host.create();
  const several = copies === undefined ? [] : [`numprocs=${copies}`, 'process_name=%(process_num)d'];
  for (const name of programs) {
    host.supervisor.program({ name, command: host.path(name), options: ['startsecs=0', ...several] });
  }
  return host;
}

/** Stops what runs, forgets all state, and installs and starts `bytes` for every program. */
async function blank(
  host: Host,
  programs: readonly string[],
  bytes: Buffer,
  processesOf = (name: string): readonly string[] => [name],
): Promise<void> {
  // What is left of a dead run's supervisorctl may still be at work.
  await host.supervisor.settled();
  await host.supervisor.stopAll();
  for (const path of [host.stateDir, join(host.binDir, '.bin-proxy'), host.logFile]) {
    rmSync(path, { recursive: true, force: true });
  }
  for (const name of programs) {
    rmSync(host.path(name), { force: true });
    host.install(name, bytes);
  }
  await host.supervisor.startAll();
  // Without startsecs a process is RUNNING before it has executed anything.
  for (const name of programs) {
    for (const process of processesOf(name)) {
      await host.supervisor.until(() => host.runsInstalled(name, process).catch(() => false));
    }
  }
}

async function runsAndIsRecorded(host: Host, name: string, bytes: Buffer): Promise<void> {
  expect(host.installed(name)).toEqual(bytes);
  expect(await host.runsInstalled(name)).toBe(true);
  expect(host.manifestEntry(name)).toMatchObject({ currentMd5: md5(bytes) });
  expect(host.record(name)).toMatchObject({ active: { release: `md5:${md5(bytes)}` } });
}

/** Lets a run get as far as a line of its log, and kills it there. */
async function killedAt(host: Host, line: string): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, 'run'], { env: host.environment(QUICK), stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (!(existsSync(host.logFile) && readFileSync(host.logFile, 'utf8').includes(line))) await delay(5);
  child.kill('SIGKILL');
  await ended;
  await host.untilUnlocked();
}

/** Short windows: a sweep makes thousands of runs. */
export const QUICK = { BIN_PROXY_STABLE_SECONDS: '1', BIN_PROXY_PROBATION_SECONDS: '30' };

const good: Scenario = {
  title: 'a good update',
  programs: ['app'],
  whole: [v1, v2],
  exitCode: 0,
  reset: async (host) => {
    await blank(host, ['app'], v1);
    host.manages('app');
    host.server.publish('app', v2);
  },
  converged: (host) => runsAndIsRecorded(host, 'app', v2),
};

const rollback: Scenario = {
  title: 'a bad update and its rollback',
  programs: ['app'],
  whole: [v1, bad],
  exitCode: 20,
  reset: async (host) => {
    await blank(host, ['app'], v1);
    host.manages('app');
    host.server.publish('app', bad);
  },
  converged: async (host) => {
    expect(host.installed('app')).toEqual(v1);
    expect(await host.runsInstalled('app')).toBe(true);
    expect(host.manifestEntry('app')).toMatchObject({ currentMd5: '' });
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'held', reason: 'quarantined' });
  },
};

const GROUP = ['app:0', 'app:1', 'app:2'];

/** Two versions were proven here, and the second one is still offered. */
const back: Scenario = {
  title: "an operator's rollback",
  programs: ['app'],
  args: ['rollback', 'app'],
  whole: [v1, v2],
  exitCode: 0,
  reset: async (host) => {
    await good.reset(host);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
  },
  converged: async (host) => {
    // Struck before its rename it has never been; after it, it is ended, and not overruled by what is offered.
    const gone = host.installed('app').equals(v1);
    await runsAndIsRecorded(host, 'app', gone ? v1 : v2);
    const expected = gone ? { outcome: 'held', reason: 'left-by-operator' } : { outcome: 'up-to-date' };
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject(expected);
  },
};

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'a first install',
    programs: ['app'],
    whole: [undefined, v1],
    exitCode: 0,
    reset: async (host) => {
      // The way a program without a file gets FATAL: asked to start one, supervisord would leave it STOPPED.
      await blank(host, ['app'], v2);
      rmSync(host.path('app'));
      process.kill(await host.supervisor.pid('app'), 'SIGKILL');
      await host.supervisor.untilState('app', 'FATAL');
      host.manages('app');
      host.server.publish('app', v1);
    },
    converged: (host) => runsAndIsRecorded(host, 'app', v1),
  },
  good,
  rollback,
  back,
  {
    ...good,
    title: 'an update of a service that was stopped on purpose',
    reset: async (host) => {
      await good.reset(host);
      await host.supervisor.ctl('stop', 'app');
    },
    converged: async (host) => {
      expect(host.installed('app')).toEqual(v2);
      expect(await host.supervisor.state('app')).toBe('STOPPED');
      expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(v2) });
    },
  },
  {
    title: 'an update of two binaries of one service',
    programs: ['app'],
    whole: [v1, v2],
    exitCode: 0,
    reset: async (host) => {
      await blank(host, ['app'], v1);
      host.install('tool', v1);
      host.manages('app', { name: 'tool', service: 'app' });
      for (const name of ['app', 'tool']) host.server.publish(name, v2);
    },
    converged: async (host) => {
      await runsAndIsRecorded(host, 'app', v2);
      expect(host.installed('tool')).toEqual(v2);
    },
  },
  {
    ...good,
    title: 'a rolling restart of a group',
    copies: 3,
    reset: async (host) => {
      await blank(host, ['app'], v1, () => GROUP);
      host.manages({ name: 'app', service: 'app:*' });
      host.server.publish('app', v2);
    },
    converged: async (host) => {
      expect(host.installed('app')).toEqual(v2);
      for (const process of GROUP) expect(await host.runsInstalled('app', process)).toBe(true);
      expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(v2) });
    },
  },
  {
    ...good,
    title: 'the recovery of a good update',
    reset: async (host) => {
      await good.reset(host);
      await killedAt(host, 'restarting app');
    },
  },
  {
    ...rollback,
    title: 'the recovery of a rollback',
    reset: async (host) => {
      await rollback.reset(host);
      await killedAt(host, 'rolling back');
    },
  },
];
