import { setTimeout as delay } from 'node:timers/promises';
import { UpdateError } from '../domain/errors.ts';
import type { LastWords } from '../domain/evidence.ts';
import type { ServiceName } from '../domain/names.ts';
import type { ProcessSample, ProcessState } from '../planning/health.ts';
import { commandLines, isLeftBehind, processFacts } from '../platform/processes.ts';
import type { ServiceManager, ServiceStatus } from './service-manager.ts';
import type { Action, SupervisorControl, SupervisorView, ToldProcess } from './supervisor-view.ts';
import { eventsOf, isOrder, isShell, lastOf } from './supervisor-words.ts';

/** How often supervisord is asked whether it still answers while it stops or starts something. */
const HEARTBEAT_MS = 5_000;
const SETTLE_TIMEOUT_MS = 60_000;
const LOG_BYTES = 8192;
/** supervisord's own log tells of every program. */
const MAIN_LOG_BYTES = 65_536;
/** A rollback waits for them. */
const WORDS_TIMEOUT_MS = 8_000;
const POLL_MS = 100;
/** supervisord looks once a second for what has ended and is to be started again. */
const RESTARTED_WITHIN_MS = 1_500;

/** No process, and no retry that is already planned. */
const DOWN: ReadonlySet<ProcessState> = new Set(['stopped', 'exited', 'fatal']);

/** supervisord: what it says is not believed before it has been seen (`settled`, `upAfterStop`). */
export class Supervisor implements ServiceManager {
  readonly #control: SupervisorControl;
  readonly #view: SupervisorView;

  constructor(control: SupervisorControl, view: SupervisorView) {
    this.#control = control;
    this.#view = view;
  }

  async inspect(services: readonly ServiceName[]): Promise<ReadonlyMap<ServiceName, ServiceStatus>> {
    const all = await this.#view.processes();
    return new Map(
      await Promise.all(services.map(async (service) => [service, await statusOf(service, all)] as const)),
    );
  }

  ready(): Promise<void> {
    return this.#control.ready();
  }

  async restart(processes: readonly string[]): Promise<void> {
    await this.#settled(processes);
    await this.#act('restart', processes);
  }

  /**
   * A program in a crash loop may be between its death and its next start when it is asked to stop: supervisord refuses
   * ("not running"), and starts it again. So it is asked until nothing runs any more.
   */
  async stop(processes: readonly string[]): Promise<void> {
    for (const deadline = performance.now() + SETTLE_TIMEOUT_MS; ; ) {
      await this.#act('stop', processes);
      const up = await this.#upAfterStop(processes);
      if (up.length === 0) return;
      if (performance.now() > deadline)
        throw new UpdateError({ reason: 'service-unsettled', fault: 'host' }, `asked to stop, but ${listed(up)}`);
    }
  }

  /** What has EXITED may be on its way back, and no status tells: only that it still is after a while. */
  async #upAfterStop(processes: readonly string[]): Promise<readonly ToldProcess[]> {
    const first = await this.#settled(processes);
    if (!first.some(({ state }) => state === 'exited')) return first.filter(({ state }) => !DOWN.has(state));
    await delay(RESTARTED_WITHIN_MS);
    return (await this.#settled(processes)).filter(({ state }) => !DOWN.has(state));
  }

  async start(processes: readonly string[]): Promise<void> {
    const down = (await this.#settled(processes)).filter(({ state }) => state !== 'running');
    const names = down.map(({ process }) => process);
    if (names.length > 0) await this.#act('start', names);
  }

  async settle(processes: readonly string[]): Promise<'settled' | 'busy'> {
    for (const deadline = performance.now() + SETTLE_TIMEOUT_MS; ; await delay(POLL_MS)) {
      if (!(await hasOrders(processes))) return 'settled';
      if (performance.now() > deadline) return 'busy';
    }
  }

  async startTime(): Promise<string | undefined> {
    const pid = await this.#view.pid();
    return pid === undefined ? undefined : (await processFacts(pid))?.startTime;
  }

  async lastWords(processes: readonly string[]): Promise<readonly LastWords[]> {
    const deadline = performance.now() + WORDS_TIMEOUT_MS;
    const unlessLate = async (look: () => Promise<readonly string[]>) =>
      performance.now() < deadline ? lastOf(await look()) : [];
    const log = await this.#view.mainLog(MAIN_LOG_BYTES);
    const words: LastWords[] = [];
    for (const process of processes) {
      const stderr = await unlessLate(() => this.#view.log(process, 'stderr', LOG_BYTES));
      const stdout = await unlessLate(() => this.#view.log(process, 'stdout', LOG_BYTES));
      words.push({ process, events: lastOf(eventsOf(process, log)), stdout, stderr });
    }
    return words;
  }

  /** Waits while a process is on its way up or down: what was asked in that moment would be refused or lost. */
  async #settled(processes: readonly string[]): Promise<readonly ToldProcess[]> {
    for (const deadline = performance.now() + SETTLE_TIMEOUT_MS; ; ) {
      const asked = performance.now();
      const ours = (await this.#view.processes()).filter(({ process }) => processes.includes(process));
      const moving = ours.filter(({ state }) => state === 'starting' || state === 'stopping');
      const now = performance.now();
      if (moving.length === 0 || now > deadline) return ours;
      // With some hundred programs an answer takes a while to read.
      await delay(Math.max(POLL_MS, now - asked));
    }
  }

  /**
   * Ending supervisorctl between the stop and the start of a restart leaves the service stopped. So it may take as
   * long as the service needs, as long as supervisord answers; a hung supervisord would block it for ever.
   */
  async #act(action: Action, processes: readonly string[]): Promise<void> {
    const controller = new AbortController();
    const ended = new AbortController();
    const watch = this.#watch(controller, ended.signal);
    try {
      await this.#control.act(action, processes, controller.signal);
    } finally {
      ended.abort();
      await watch;
    }
  }

  async #watch(controller: AbortController, ended: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await delay(HEARTBEAT_MS, undefined, { signal: ended });
        await this.#view.processes();
      }
    } catch {
      if (!ended.aborted) controller.abort();
    }
  }
}

/** Whether a supervisorctl is at work for any of them. What one was told that waits for its order, nobody can see. */
async function hasOrders(processes: readonly string[]): Promise<boolean> {
  for (const { pid, argv } of await commandLines()) {
    if (isOrder(argv, processes) || (isShell(argv) && (await isLeftBehind(pid)))) return true;
  }
  return false;
}

/** `web` is also the only process of a group `web`; `web:*` is every process of that group. */
async function statusOf(service: ServiceName, all: readonly ToldProcess[]): Promise<ServiceStatus> {
  const [group, program] = service.split(':');
  const told = all.filter(({ process }) => {
    if (program === '*') return process === group || process.startsWith(`${group}:`);
    return process === service || (program === group && process === group);
  });
  const [first, ...rest] = await Promise.all(told.map(withStartTime));
  return first === undefined ? { kind: 'unknown' } : { kind: 'known', processes: [first, ...rest] };
}

async function withStartTime(told: ToldProcess): Promise<ProcessSample> {
  const facts = told.pid === undefined ? undefined : await processFacts(told.pid);
  return facts === undefined ? told : { ...told, startTime: facts.startTime };
}

function listed(samples: readonly ToldProcess[]): string {
  return samples.map(({ process, state, detail }) => `${process} is ${state.toUpperCase()} (${detail})`).join(', ');
}
