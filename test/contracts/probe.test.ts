import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalProcess, JournalService } from '../../src/domain/journal.ts';
import type { ServiceName } from '../../src/domain/names.ts';
import type { ProcessSample, ProcessState } from '../../src/planning/health.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { processFacts } from '../../src/platform/processes.ts';
import { ProcessProbe } from '../../src/probes/process.ts';
import type { ServiceManager, ServiceStatus } from '../../src/services/service-manager.ts';
import { has } from '../support/components.ts';
import { program } from '../support/program.ts';

const WINDOW = { stableMs: 700, startMs: 1500 };
const [v1, v2] = [program('1'), program('2')];

/** Real processes, started here, shown as a service manager would show them. */
class Bench implements ServiceManager {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'bin-proxy-probe-')));
  readonly target = join(this.directory, 'app');
  /** Its own start time; undefined: it cannot tell. */
  began: string | undefined;
  readonly #running = new Map<string, ChildProcess>();
  readonly #states = new Map<string, ProcessState>();

  launch(name: string, file: string, args: readonly string[] = []): number {
    const child = spawn(file, args, { stdio: 'ignore' });
    this.#running.set(name, child);
    return child.pid ?? 0;
  }

  shows(name: string, state: ProcessState): void {
    this.#states.set(name, state);
  }

  async end(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async sample(name: string): Promise<ProcessSample> {
    const pid = this.#running.get(name)?.pid ?? 0;
    const facts = await processFacts(pid);
    const state = this.#states.get(name) ?? (facts === undefined ? 'exited' : 'running');
    const alive = facts === undefined || state !== 'running' ? {} : { pid, startTime: facts.startTime };
    return { process: name, state, detail: '', ...alive };
  }

  async inspect(services: readonly ServiceName[]): Promise<ReadonlyMap<ServiceName, ServiceStatus>> {
    const names = new Set([...this.#running.keys(), ...this.#states.keys()]);
    const [first, ...rest] = await Promise.all([...names].map((name) => this.sample(name)));
    const status: ServiceStatus =
      first === undefined ? { kind: 'unknown' } : { kind: 'known', processes: [first, ...rest] };
    return new Map(services.map((service) => [service, status]));
  }

  async remove(): Promise<void> {
    for (const name of this.#running.keys()) await this.end(name);
    rmSync(this.directory, { recursive: true, force: true });
  }

  ready = (): Promise<void> => Promise.resolve();
  restart = (): Promise<void> => Promise.resolve();
  stop = (): Promise<void> => Promise.resolve();
  settle = (): Promise<'settled'> => Promise.resolve('settled');
  start = (): Promise<void> => Promise.resolve();
  startTime = (): Promise<string | undefined> => Promise.resolve(this.began);
  lastWords = (): Promise<readonly never[]> => Promise.resolve([]);
}

describe.skipIf(!has('cc'))('the process probe', () => {
  let bench: Bench;
  const service = (executed: JournalProcess['executed'], ...names: string[]): JournalService => ({
    service: 'app' as ServiceName,
    targets: [bench.target],
    processes: names.map((process) => ({ process, before: 'running', executed })),
  });
  const prove = (services: readonly JournalService[]) =>
    new ProcessProbe(bench, systemClock).prove(services, WINDOW, () => {});

  beforeEach(() => {
    bench = new Bench();
    writeFileSync(bench.target, v1, { mode: 0o755 });
  });
  afterEach(() => bench.remove());

  it('proves a process that stays up and executes the live file (invariant 3)', async () => {
    bench.launch('app', bench.target);
    expect(await prove([service('target', 'app')])).toMatchObject({ kind: 'proven' });
  });

  it('sees one that executes the file from before the replacement', async () => {
    bench.launch('app', bench.target);
    writeFileSync(`${bench.target}.new`, v2, { mode: 0o755 });
    renameSync(`${bench.target}.new`, bench.target);
    expect(await prove([service('target', 'app')])).toMatchObject({
      kind: 'failed',
      reason: 'runs-another-file',
      detail: expect.stringContaining('(deleted)') as string,
    });
  });

  it('sees one that is replaced between two looks', async () => {
    bench.launch('app', bench.target);
    const proving = prove([service('target', 'app')]);
    await systemClock.sleep(300);
    await bench.end('app');
    bench.launch('app', bench.target);
    expect(await proving).toMatchObject({ kind: 'failed', reason: 'did-not-stay-up' });
  });

  it('sees one that dies', async () => {
    writeFileSync(bench.target, program('brief', { life: 300 }));
    bench.launch('app', bench.target);
    expect(await prove([service('target', 'app')])).toMatchObject({ kind: 'failed', reason: 'did-not-stay-up' });
  });

  it.each<ProcessState>(['fatal', 'backoff', 'exited', 'stopped'])('fails at once what is %s', async (state) => {
    bench.shows('app', state);
    expect(await prove([service('unknown', 'app')])).toMatchObject({ kind: 'failed', reason: 'did-not-start' });
  });

  it('ends although a process never comes up', async () => {
    bench.shows('app', 'starting');
    expect(await prove([service('unknown', 'app')])).toMatchObject({ kind: 'failed', reason: 'did-not-start' });
  });

  it('fails a service of which one process dies', async () => {
    bench.launch('a', bench.target);
    writeFileSync(`${bench.target}-brief`, program('brief', { life: 300 }), { mode: 0o755 });
    bench.launch('b', `${bench.target}-brief`);
    expect(await prove([service('unknown', 'a', 'b')])).toMatchObject({
      detail: expect.stringMatching(/^b: /) as string,
    });
  });

  it('watches anew once the service manager itself was restarted, and only then (invariant 5)', async () => {
    bench.launch('app', bench.target);
    const proving = prove([service('target', 'app')]);
    await systemClock.sleep(300);
    bench.began = String(Number((await processFacts(process.pid))?.startTime) + 1);
    await bench.end('app');
    const second = bench.launch('app', bench.target);
    expect(await proving).toMatchObject({ kind: 'proven', processes: [{ pid: second }] });

    await bench.end('app');
    expect(await prove([service('target', 'app')])).toMatchObject({ kind: 'failed' });
  });

  it('leaves alone what a service manager that was restarted does not start by itself', async () => {
    bench.launch('app', bench.target);
    const proving = prove([service('target', 'app')]);
    await systemClock.sleep(300);
    bench.began = String(Number((await processFacts(process.pid))?.startTime) + 1);
    await bench.end('app');
    await systemClock.sleep(500);
    bench.shows('app', 'stopped');
    expect(await proving).toMatchObject({ kind: 'stopped' });
  });

  it('asks of a process that ran something else before only that it stays up', async () => {
    bench.launch('app', bench.target);
    bench.launch('neighbour', '/bin/sleep', ['60']);
    const both = service('target', 'app');
    const neighbour = service('other', 'neighbour').processes;
    expect(await prove([{ ...both, processes: [...both.processes, ...neighbour] }])).toMatchObject({ kind: 'proven' });
  });

  it('finds the file in a descendant, in a script and after its replacement', async () => {
    const probe = new ProcessProbe(bench, systemClock);
    const script = join(bench.directory, 'script');
    writeFileSync(script, '#!/bin/sh\nwhile :; do sleep 0.1; done\n', { mode: 0o755 });
    bench.launch('direct', bench.target);
    bench.launch('wrapped', '/bin/sh', ['-c', `${bench.target}; true`]);
    bench.launch('script', script);
    bench.launch('stranger', '/bin/sleep', ['60']);
    await systemClock.sleep(200);
    const samples = await Promise.all(['direct', 'wrapped', 'script', 'stranger'].map((name) => bench.sample(name)));
    expect([...(await probe.executing(samples, [bench.target, script]))]).toEqual(['direct', 'wrapped', 'script']);
    renameSync(script, `${script}-moved`);
    writeFileSync(`${bench.target}.new`, v2, { mode: 0o755 });
    renameSync(`${bench.target}.new`, bench.target);
    expect([...(await probe.executing(samples, [bench.target]))]).toEqual(['direct', 'wrapped']);
  });
});
