import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { installStandIn } from '../../src/cli/demo/stand-in.ts';
import type { ServiceName } from '../../src/domain/names.ts';
import type { ProcessSample } from '../../src/planning/health.ts';
import { runCommand } from '../../src/platform/command.ts';
import { processFacts } from '../../src/platform/processes.ts';
import { NoServiceManager } from '../../src/services/none.ts';
import type { ServiceManager } from '../../src/services/service-manager.ts';
import { Supervisor } from '../../src/services/supervisor.ts';
import { SupervisorSocket } from '../../src/services/supervisor-socket.ts';
import { readStatus, Supervisorctl } from '../../src/services/supervisorctl.ts';
import { has } from '../support/components.ts';
import { PROGRAM } from '../support/host.ts';
import { endsOnceThereIs, Supervisord } from '../support/supervisord.ts';

const STEADY = 'sleep 1000';
const DIES_AT_ONCE = 'sh -c "echo started; exit 1"';
const IGNORES_TERM = `sh -c "trap '' TERM; while :; do sleep 1; done"`;
const RETRIES_LONG = ['startretries=20'];
const CANNOT_BE_ASKED = { reason: 'supervisor-unreachable', fault: 'setup' };

/** By name; and the state to wait for before the test begins, if any. */
type Programs = Readonly<Record<string, { command: string; state?: string; options?: readonly string[] }>>;

function managerOf({ configuration, socket }: Supervisord): ServiceManager {
  const ctl = new Supervisorctl(runCommand, configuration);
  return new Supervisor(ctl, new SupervisorSocket({ address: { socketPath: socket } }, ctl));
}

/** One service manager of its own for a test, and the adapter that speaks to it. */
class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), 'bin-proxy-sm-'));
  readonly supervisord = new Supervisord(this.directory);
  readonly manager: ServiceManager = managerOf(this.supervisord);

  /** Starts it with these programs, and waits until each is in its state. */
  async with(programs: Programs): Promise<void> {
    for (const [name, { command, options = [] }] of Object.entries(programs)) {
      this.supervisord.program({ name, command, options });
    }
    await this.supervisord.start();
    for (const [name, { state }] of Object.entries(programs)) {
      if (state !== undefined) await this.supervisord.untilState(name, state);
    }
  }

  /** With a group of programs too, none of them started. */
  async withGroup(group: string, members: readonly string[], programs: Programs): Promise<void> {
    for (const name of members) this.supervisord.program({ name, command: STEADY, options: ['autostart=false'] });
    this.supervisord.group(group, members);
    await this.with(programs);
  }

  async processes(service: string): Promise<readonly ProcessSample[]> {
    const status = (await this.manager.inspect([service as ServiceName])).get(service as ServiceName);
    if (status?.kind !== 'known') throw new Error(`${service} is ${status?.kind}`);
    return status.processes;
  }

  async process(name: string): Promise<ProcessSample> {
    const found = (await this.processes(name)).find(({ process }) => process === name);
    if (found === undefined) throw new Error(`no process ${name}`);
    return found;
  }

  starts(name: string): number {
    return readFileSync(join(this.directory, `${name}.out.log`), 'utf8').split('\n').length - 1;
  }

  async remove(): Promise<void> {
    await this.supervisord.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const benchTest = test.extend<{ bench: Bench }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  bench: async ({}, use) => {
    const bench = new Bench();
    await use(bench);
    await bench.remove();
  },
});

const steady = { command: STEADY, state: 'RUNNING' };
const dormant = { command: STEADY, state: 'STOPPED', options: ['autostart=false'] };

function keepsTheContract(): void {
  benchTest('inspect: gives a process with its state, its pid and its start time', async ({ bench }) => {
    await bench.with({ app: steady });

    const app = await bench.process('app');

    const pid = await bench.supervisord.pid('app');
    const startTime = (await processFacts(pid))?.startTime;
    expect(app).toEqual({
      process: 'app',
      state: 'running',
      pid,
      startTime,
      detail: expect.stringMatching(/^pid \d+, uptime 0:00:/) as string,
    });
    expect(startTime).toMatch(/^\d+$/);
  });

  benchTest('inspect: a program is also the one process of a group of its name', async ({ bench }) => {
    await bench.with({ app: dormant, apple: dormant });
    for (const name of ['app', 'app:app', 'app:*']) {
      expect(await bench.processes(name)).toEqual([{ process: 'app', state: 'stopped', detail: 'Not started' }]);
    }
  });

  benchTest('startTime: is its own, and another after a restart of it', async ({ bench }) => {
    await bench.with({ app: steady });
    const app = Number((await bench.process('app')).startTime);
    const began = Number(await bench.manager.startTime());
    expect(began).toBeGreaterThan(Number((await processFacts(process.pid))?.startTime));
    expect(began).toBeLessThanOrEqual(app);

    await bench.supervisord.stop();
    expect(await bench.manager.startTime()).toBeUndefined();

    await bench.supervisord.start();
    expect(Number(await bench.manager.startTime())).toBeGreaterThan(app);
  });

  benchTest(
    'inspect: answers for every name it was asked, and tells those that it does not know',
    async ({ bench }) => {
      await bench.with({ app: dormant });
      const names = ['app', 'ap', 'apple', 'app:web', 'nosuch', 'nosuch:*', 'nosuch:app'] as ServiceName[];

      const statuses = await bench.manager.inspect(names);

      expect([...statuses].map(([name, { kind }]) => [name, kind])).toEqual([
        ['app', 'known'],
        ...names.slice(1).map((name) => [name, 'unknown']),
      ]);
    },
  );

  benchTest('inspect: tells what became of a program that does not stay up', async ({ bench }) => {
    await bench.with({
      loops: { command: DIES_AT_ONCE, state: 'BACKOFF', options: RETRIES_LONG },
      gaveup: { command: DIES_AT_ONCE, state: 'FATAL', options: ['startretries=0'] },
      missing: { command: '/nonexistent/program', state: 'FATAL', options: ['startretries=0'] },
      done: { command: 'sh -c "sleep 2"', state: 'EXITED', options: ['autorestart=false'] },
    });
    expect(await bench.process('gaveup')).toMatchObject({
      state: 'fatal',
      detail: expect.stringContaining('Exited too quickly') as string,
    });
    expect(await bench.process('missing')).toMatchObject({
      state: 'fatal',
      detail: "can't find command '/nonexistent/program'",
    });
    expect((await bench.process('done')).state).toBe('exited');
    await bench.supervisord.until(async () => (await bench.process('loops')).state === 'backoff');
  });

  benchTest('inspect: changes nothing', async ({ bench }) => {
    await bench.with({ up: steady, down: dormant });
    const before = await bench.process('up');
    for (let round = 0; round < 3; round++) await bench.manager.inspect(['up', 'down', 'nosuch'] as ServiceName[]);
    expect(await bench.process('up')).toMatchObject({ pid: before.pid, startTime: before.startTime });
    expect(await bench.process('down')).toMatchObject({ state: 'stopped', detail: 'Not started' });
  });

  benchTest('every order: a service manager that is not there cannot be asked', async ({ bench }) => {
    await bench.with({ app: steady });
    await bench.supervisord.stop();
    await expect(bench.manager.inspect(['app' as ServiceName])).rejects.toMatchObject(CANNOT_BE_ASKED);
    await expect(bench.manager.restart(['app'])).rejects.toMatchObject(CANNOT_BE_ASKED);
    await expect(bench.manager.stop(['app'])).rejects.toMatchObject(CANNOT_BE_ASKED);
    await expect(bench.manager.start(['app'])).rejects.toMatchObject(CANNOT_BE_ASKED);
  });

  benchTest('inspect: a configuration that is missing is no host without programs', async ({ bench }) => {
    const ctl = new Supervisorctl(runCommand, join(bench.directory, 'nosuch.conf'));
    const manager = new Supervisor(ctl, ctl);
    await expect(manager.inspect(['app' as ServiceName])).rejects.toMatchObject({
      ...CANNOT_BE_ASKED,
      message: expect.stringContaining('could not find config file') as string,
    });
  });

  benchTest('inspect: a service manager without any program answers that it knows none', async ({ bench }) => {
    await bench.with({});
    const statuses = await bench.manager.inspect(['app' as ServiceName]);
    expect([...statuses.values()]).toEqual([{ kind: 'unknown' }]);
  });

  benchTest('inspect: a service manager that hangs cannot be asked, and is not waited for', async ({ bench }) => {
    await bench.with({ app: steady });
    bench.supervisord.signal('SIGSTOP');
    await expect(bench.manager.inspect(['app' as ServiceName])).rejects.toMatchObject(CANNOT_BE_ASKED);
  });

  benchTest('restart: several processes are new ones afterwards, and others are not touched', async ({ bench }) => {
    await bench.with({ one: steady, two: steady, three: steady });
    const before = await Promise.all(['one', 'two', 'three'].map((name) => bench.process(name)));

    await bench.manager.restart(['one', 'two']);

    const after = await Promise.all(['one', 'two', 'three'].map((name) => bench.process(name)));
    expect(after.map(({ state }) => state)).toEqual(['running', 'running', 'running']);
    expect(after.map(({ pid }, index) => pid === before[index]?.pid)).toEqual([false, false, true]);
    expect(await processFacts(before[0]?.pid ?? 0)).toBeUndefined();
  });

  benchTest('restart: returns also where the process does not come up', async ({ bench }) => {
    const marker = join(bench.directory, 'broken');
    await bench.with({
      app: { command: `sh -c "test ! -e ${marker} && exec sleep 1000"`, state: 'RUNNING', options: ['startretries=0'] },
    });
    writeFileSync(marker, '');

    await expect(bench.manager.restart(['app'])).resolves.toBeUndefined();

    await bench.supervisord.untilState('app', 'FATAL');
    expect((await bench.process('app')).pid).toBeUndefined();
  });

  benchTest('restart: a process that is still on its way up is restarted too', async ({ bench }) => {
    await bench.with({ app: { command: 'sh -c "echo started; exec sleep 1000"', options: ['startsecs=6'] } });
    await bench.manager.restart(['app']);
    expect((await bench.process('app')).state).toBe('running');
    expect(bench.starts('app')).toBe(2);
  });

  benchTest('stop: ends the automatic restarts of a program that crashes (invariant 6)', async ({ bench }) => {
    await bench.with({ app: { command: DIES_AT_ONCE, state: 'BACKOFF', options: RETRIES_LONG } });

    await bench.manager.stop(['app']);

    const starts = bench.starts('app');
    await delay(4_000);
    expect(await bench.process('app')).toMatchObject({ process: 'app', state: 'stopped' });
    expect(bench.starts('app')).toBe(starts);
  });

  benchTest('stop: catches a program between its death and its next start (invariant 6)', async ({ bench }) => {
    // Without startsecs every end is EXITED, and supervisord starts it again the next time it looks.
    await bench.with({ app: { command: 'sh -c "echo started; sleep 0.3"', options: ['startsecs=0'] } });
    for (let time = 0; time < 5; time++) {
      await bench.manager.stop(['app']);
      const starts = bench.starts('app');
      expect(['stopped', 'exited']).toContain((await bench.process('app')).state);
      await delay(1500);
      expect(bench.starts('app'), `it was started again after stop number ${time + 1}`).toBe(starts);
      await bench.supervisord.ctl('start', 'app');
    }
  });

  benchTest('stop: returns only when no process runs, however long that takes', async ({ bench }) => {
    await bench.with({ deaf: { command: IGNORES_TERM, state: 'RUNNING' }, app: steady });
    const pids = await Promise.all(['deaf', 'app'].map(async (name) => (await bench.process(name)).pid ?? 0));

    await bench.manager.stop(['deaf', 'app']);

    expect(await Promise.all(pids.map(processFacts))).toEqual([undefined, undefined]);
    expect((await bench.process('deaf')).state).toBe('stopped');
  });

  benchTest('stop: can be repeated, and says nothing of what does not run', async ({ bench }) => {
    await bench.with({ app: steady, gaveup: { command: DIES_AT_ONCE, state: 'FATAL', options: ['startretries=0'] } });
    for (let round = 0; round < 2; round++) {
      await expect(bench.manager.stop(['app', 'gaveup'])).resolves.toBeUndefined();
      expect(await bench.process('app')).toMatchObject({ state: 'stopped' });
    }
  });

  benchTest('stop: asked for twice at once, each returns only when no process runs', async ({ bench }) => {
    await bench.with({ deaf: { command: IGNORES_TERM, state: 'RUNNING' } });
    const { pid = 0 } = await bench.process('deaf');
    const stopped = async () => {
      await bench.manager.stop(['deaf']);
      return processFacts(pid);
    };
    expect(await Promise.all([stopped(), stopped()])).toEqual([undefined, undefined]);
  });

  benchTest('start: does nothing to a process that runs', async ({ bench }) => {
    await bench.with({ app: steady, down: dormant });
    const before = await bench.process('app');

    await bench.manager.start(['app', 'down']);

    expect(await bench.process('app')).toMatchObject({
      state: 'running',
      pid: before.pid,
      startTime: before.startTime,
    });
    expect((await bench.process('down')).state).toBe('running');
  });

  benchTest('start: brings back what was stopped, and what was given up', async ({ bench }) => {
    const marker = join(bench.directory, 'ready');
    const late = {
      command: `sh -c "test -e ${marker} && exec sleep 1000"`,
      state: 'FATAL',
      options: ['startretries=0'],
    };
    await bench.with({ app: steady, late });
    await bench.manager.stop(['app']);
    writeFileSync(marker, '');

    await bench.manager.start(['app', 'late']);

    expect((await bench.process('app')).state).toBe('running');
    expect((await bench.process('late')).state).toBe('running');
  });

  benchTest('settle: waits for the order of somebody who is no more, and for nothing else', async ({ bench }) => {
    const word = join(bench.directory, 'word');
    await bench.with({
      deaf: { command: endsOnceThereIs(word), state: 'RUNNING', options: ['stopwaitsecs=600'] },
      app: steady,
    });
    const { pid } = await bench.process('deaf');
    const order = bench.supervisord.ctl('restart', 'deaf');
    await bench.supervisord.untilState('deaf', 'STOPPING');
    expect(await bench.manager.settle(['app'])).toBe('settled');
    expect((await bench.process('deaf')).state).toBe('stopping');

    const settled = bench.manager.settle(['app', 'deaf']);
    writeFileSync(word, '');

    expect(await settled).toBe('settled');

    expect((await bench.process('deaf')).pid).not.toBe(pid);
    await order;
    await bench.supervisord.stop();
    expect(await bench.manager.settle(['app', 'deaf'])).toBe('settled');
  });

  benchTest('start: promises no success', async ({ bench }) => {
    await bench.with({
      broken: { command: DIES_AT_ONCE, state: 'FATAL', options: ['startretries=0'] },
      missing: { command: '/nonexistent/program', state: 'FATAL', options: ['startretries=0'] },
    });
    await expect(bench.manager.start(['broken', 'missing'])).resolves.toBeUndefined();
    await bench.supervisord.untilState('broken', 'FATAL');
    expect((await bench.process('missing')).state).toBe('fatal');
  });
}

function keepsTheContractForGroups(): void {
  benchTest('inspect: gives every process of a group, or the one that is named', async ({ bench }) => {
    await bench.withGroup('web', ['front', 'back'], { lone: dormant });
    const down = (process: string) => ({ process, state: 'stopped', detail: 'Not started' });
    expect(await bench.processes('web:*')).toEqual(expect.arrayContaining([down('web:front'), down('web:back')]));
    expect(await bench.processes('web:*')).toHaveLength(2);
    expect(await bench.processes('web:front')).toEqual([down('web:front')]);
    const statuses = await bench.manager.inspect(['web', 'front', 'web:lone'] as ServiceName[]);
    expect([...statuses.values()].map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'unknown']);
  });

  benchTest('restart: of one process of a group leaves the others alone', async ({ bench }) => {
    await bench.withGroup('web', ['front', 'back'], {});
    await bench.manager.start(['web:front', 'web:back']);
    const before = await bench.processes('web:*');

    await bench.manager.restart(['web:front']);

    const same = (await bench.processes('web:*')).map(({ process, pid, state }) => {
      return [process, state, pid === before.find((one) => one.process === process)?.pid];
    });
    expect(Object.fromEntries(same.map(([process, ...rest]) => [process, rest]))).toEqual({
      'web:front': ['running', false],
      'web:back': ['running', true],
    });
  });
}

/** Tests of one suite run side by side, and find `supervisord` and `supervisorctl` on the PATH of this process. */
const inherited = process.env['PATH'] ?? '';

describe.skipIf(!has('supervisord', 'supervisorctl'))('the service manager supervisor, real', () => {
  describe.concurrent('keeps the contract', keepsTheContract);
  describe.concurrent('keeps the contract for groups', keepsTheContractForGroups);
});

describe.skipIf(!has('supervisord', 'supervisorctl'))('what supervisor keeps of last words', () => {
  benchTest('is what a program printed, and how it ended', async ({ bench }) => {
    await bench.with({
      app: { command: 'sh -c "echo ready; echo panic: no route >&2; exit 3"', state: 'FATAL' },
      apple: steady,
    });

    const [words, ...others] = await bench.manager.lastWords(['app']);

    expect(others).toEqual([]);
    expect(words).toMatchObject({ process: 'app', stderr: expect.arrayContaining(['panic: no route']) as string[] });
    expect(words?.stdout).toContain('ready');
    expect(words?.events.join('\n')).toMatch(/exited: app \(exit status 3; not expected\)/);
    expect(words?.events.join('\n')).not.toContain('apple');
  });

  benchTest('is empty, and no error, where there is nothing to be had', async ({ bench }) => {
    await bench.with({ mute: { ...steady, options: ['stdout_logfile=NONE', 'stderr_logfile=NONE'] } });
    expect(await bench.manager.lastWords(['mute', 'nosuch'])).toMatchObject([
      { process: 'mute', stdout: [], stderr: [] },
      { process: 'nosuch', events: [], stdout: [], stderr: [] },
    ]);
    await bench.supervisord.stop();
    expect(await bench.manager.lastWords(['mute'])).toEqual([{ process: 'mute', events: [], stdout: [], stderr: [] }]);
  });
});

describe('the service manager supervisor, as the little one of the demo', () => {
  const tools = mkdtempSync(join(tmpdir(), 'bin-proxy-tools-'));
  beforeAll(() => {
    installStandIn(tools, [process.execPath, PROGRAM]);
    process.env['PATH'] = `${tools}:${inherited}`;
  });
  afterAll(() => {
    process.env['PATH'] = inherited;
    rmSync(tools, { recursive: true });
  });

  describe.concurrent('keeps the contract', keepsTheContract);
});

describe('a host without a service manager', () => {
  const none = new NoServiceManager();

  it('inspect: answers for every name that nothing is managed, which is not the same as unknown', async () => {
    const statuses = await none.inspect(['app', 'web:*'] as ServiceName[]);
    expect([...statuses]).toEqual([
      ['app', { kind: 'unmanaged' }],
      ['web:*', { kind: 'unmanaged' }],
    ]);
  });

  it('restart, stop, start and settle: have nothing to do, and may be repeated', async () => {
    for (let round = 0; round < 2; round++) {
      await expect(none.settle()).resolves.toBe('settled');
      await expect(none.restart()).resolves.toBeUndefined();
      await expect(none.stop()).resolves.toBeUndefined();
      await expect(none.start()).resolves.toBeUndefined();
    }
  });
});

describe('a program between its death and its next start', () => {
  const line = {
    RUNNING: 'app RUNNING pid 77, uptime 0:00:00',
    EXITED: 'app EXITED Nov 21',
    STOPPED: 'app STOPPED Nov 21',
  };
  type State = keyof typeof line;

  /** supervisord as it was seen: refuses the first stop, and then is found in these states until it is asked again. */
  function refusingOnce(...after: readonly State[]) {
    const found: State[] = [...after];
    const asked: string[] = [];
    const ctl = new Supervisorctl(async (_, [action = '']) => {
      asked.push(action);
      if (action === 'stop' && asked.filter((one) => one === 'stop').length > 1)
        found.splice(0, found.length, 'STOPPED');
      const state = found.length > 1 ? found.shift() : found[0];
      return {
        kind: 'exited',
        code: 0,
        stdout: action === 'status' ? `${line[state ?? 'STOPPED']}\n` : '',
        stderr: '',
      };
    }, undefined);
    const manager = new Supervisor(ctl, ctl);
    return { manager, stops: () => asked.filter((one) => one === 'stop').length };
  }

  it('is asked to stop once more where it runs again (invariant 6)', async () => {
    const { manager, stops } = refusingOnce('RUNNING');
    await manager.stop(['app']);
    expect(stops()).toBe(2);
  });

  it('is not believed to be down before supervisord had the time to start it again (invariant 6)', async () => {
    const { manager, stops } = refusingOnce('EXITED', 'RUNNING');
    await manager.stop(['app']);
    expect(stops()).toBe(2);
  });

  it('is down where it stays EXITED, since nobody starts it again', async () => {
    const { manager, stops } = refusingOnce('EXITED');
    await manager.stop(['app']);
    expect(stops()).toBe(1);
  });
});

describe('the text of supervisorctl status', () => {
  it.each([
    ['web   RUNNING   pid 9585, uptime 0:00:17', { state: 'running', pid: 9585, detail: 'pid 9585, uptime 0:00:17' }],
    [
      'web   RUNNING   pid 12, uptime 3 days, 4:05:06',
      { state: 'running', pid: 12, detail: 'pid 12, uptime 3 days, 4:05:06' },
    ],
    ['web   STARTING  ', { state: 'starting', detail: '' }],
    ['web   STARTING', { state: 'starting', detail: '' }],
    ['web   STOPPING  ', { state: 'stopping', detail: '' }],
    ['web   STOPPED   Not started', { state: 'stopped', detail: 'Not started' }],
    ['web   STOPPED   Nov 21 12:03 AM', { state: 'stopped', detail: 'Nov 21 12:03 AM' }],
    ['web   EXITED    Nov 21 12:03 AM', { state: 'exited', detail: 'Nov 21 12:03 AM' }],
    ['web   BACKOFF   Exited too quickly (process log may have details)', { state: 'backoff' }],
    ["web   FATAL     can't find command '/x y/pid 7'", { state: 'fatal', detail: "can't find command '/x y/pid 7'" }],
    ['web   UNKNOWN   ', { state: 'unknown', detail: '' }],
  ])('%j is one process', (line, expected) => {
    expect(readStatus(`${line}\n`)).toEqual([{ process: 'web', detail: expect.any(String) as string, ...expected }]);
  });

  it('is read line by line, whatever the width of the first column', () => {
    const name = 'a-very-long-group-name-indeed:and-a-very-long-program-name';
    expect(readStatus(`${name}   RUNNING   pid 1, uptime 0:00:01\nweb:1    STOPPED   Not started\r\n\n`)).toEqual([
      { process: name, state: 'running', pid: 1, detail: 'pid 1, uptime 0:00:01' },
      { process: 'web:1', state: 'stopped', detail: 'Not started' },
    ]);
  });

  it.each([
    'unix:///run/supervisor.sock no such file',
    'unix:///run/supervisor.sock refused connection',
    "error: <class 'PermissionError'>, [Errno 13] Permission denied: file: /usr/lib/python3/client.py line: 560",
    'Server requires authentication\nerror: <class ProtocolError>, 401 Unauthorized',
    "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>",
    'web: ERROR (no such process)',
    'web   RUNNINGpid 1, uptime 0:00:01',
    'RUNNING pid 1, uptime 0:00:01',
    'web   RUNNING   pid 1, uptime 0:00:01\nunix:///run/supervisor.sock refused connection',
    'Welcome to\nsupervisor',
  ])('%j is not an answer', (text) => {
    expect(readStatus(text)).toBeUndefined();
  });

  it('never throws, and never makes one process out of two lines or of none', () => {
    const word = fc.constantFrom(
      'web',
      'web:1',
      'RUNNING',
      'STOPPED',
      'FATAL',
      'pid 12,',
      'uptime',
      ' ',
      '   ',
      '\t',
      '\n',
      '\r',
      '\0',
      ':',
      '*',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(word, fc.string()), { maxLength: 40 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (hostile) => {
        const lines = hostile.split('\n').filter((line) => line.trim() !== '');
        const samples = readStatus(hostile);
        if (samples === undefined) return;
        expect(samples).toHaveLength(lines.length);
        for (const { process, pid } of samples) {
          expect(process).toMatch(/^\S+$/);
          if (pid !== undefined) expect(Number.isInteger(pid)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
