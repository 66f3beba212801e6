import { setTimeout as delay } from 'node:timers/promises';
import { UpdateError } from '../domain/errors.ts';
import type { LastWords } from '../domain/evidence.ts';
import type { ServiceName } from '../domain/names.ts';
import type { ProcessSample, ProcessState } from '../planning/health.ts';
import type { CommandResult, RunCommand } from '../platform/command.ts';
import { processFacts } from '../platform/processes.ts';
import type { ServiceManager, ServiceStatus } from './service-manager.ts';
import { eventsOf, lastOf, linesOf } from './supervisor-words.ts';

const STATUS_TIMEOUT_MS = 15_000;
/** How often supervisord is asked whether it still answers while it stops or starts something. */
const HEARTBEAT_MS = 5_000;
/** The longest stop plus start that is waited for, while supervisord goes on answering. */
const ACTION_TIMEOUT_MS = 15 * 60_000;
const SETTLE_TIMEOUT_MS = 60_000;
const TAIL_TIMEOUT_MS = 5_000;
const TAIL_BYTES = 8192;
/** supervisord's own log tells of every program. */
const MAIN_TAIL_BYTES = 65_536;
const POLL_MS = 300;
/** supervisord looks once a second for what has ended and is to be started again. */
const RESTARTED_WITHIN_MS = 1_500;

const STATES: Readonly<Record<string, ProcessState>> = {
  RUNNING: 'running',
  STARTING: 'starting',
  STOPPING: 'stopping',
  STOPPED: 'stopped',
  EXITED: 'exited',
  BACKOFF: 'backoff',
  FATAL: 'fatal',
  UNKNOWN: 'unknown',
};
/** No process, and no retry that is already planned. */
const DOWN: ReadonlySet<ProcessState> = new Set(['stopped', 'exited', 'fatal']);
const STATUS_LINE = /^(\S+)\s+(RUNNING|STARTING|STOPPING|STOPPED|EXITED|BACKOFF|FATAL|UNKNOWN)\b[ \t]*(.*)$/;

/**
 * supervisord, through `supervisorctl`. Its exit codes say little: 0 for a crash loop and for a stop that stopped
 * nothing, 7 for a start that supervisord is still retrying, always 0 in version 3. So they are never used; the text of
 * `status` is, and the process itself.
 */
export class Supervisor implements ServiceManager {
  readonly #run: RunCommand;
  readonly #options: readonly string[];

  constructor(run: RunCommand, configuration: string | undefined) {
    this.#run = run;
    this.#options = configuration === undefined ? [] : ['-c', configuration];
  }

  async inspect(services: readonly ServiceName[]): Promise<ReadonlyMap<ServiceName, ServiceStatus>> {
    const all = await this.#status();
    return new Map(services.map((service) => [service, statusOf(service, all)]));
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
  async #upAfterStop(processes: readonly string[]): Promise<readonly ProcessSample[]> {
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

  async startTime(): Promise<string | undefined> {
    const result = await this.#supervisorctl(['pid'], STATUS_TIMEOUT_MS);
    if (result.kind !== 'exited' || !/^\d+\s*$/.test(result.stdout)) return undefined;
    return (await processFacts(Number(result.stdout)))?.startTime;
  }

  async lastWords(processes: readonly string[]): Promise<readonly LastWords[]> {
    const log = await this.#tail('maintail', MAIN_TAIL_BYTES);
    const words: LastWords[] = [];
    for (const process of processes) {
      const stderr = lastOf(await this.#tail('tail', TAIL_BYTES, process, 'stderr'));
      const stdout = lastOf(await this.#tail('tail', TAIL_BYTES, process, 'stdout'));
      words.push({ process, events: lastOf(eventsOf(process, log)), stdout, stderr });
    }
    return words;
  }

  async #tail(verb: 'tail' | 'maintail', bytes: number, ...args: readonly string[]): Promise<readonly string[]> {
    const result = await this.#supervisorctl([verb, `-${bytes}`, ...args], TAIL_TIMEOUT_MS);
    return result.kind === 'exited' && result.code === 0 ? linesOf(result.stdout, bytes) : [];
  }

  /** Waits while a process is on its way up or down: what was asked in that moment would be refused or lost. */
  async #settled(processes: readonly string[]): Promise<readonly ProcessSample[]> {
    for (const deadline = performance.now() + SETTLE_TIMEOUT_MS; ; await delay(POLL_MS)) {
      const ours = (await this.#status()).filter(({ process }) => processes.includes(process));
      const moving = ours.filter(({ state }) => state === 'starting' || state === 'stopping');
      if (moving.length === 0 || performance.now() > deadline) return ours;
    }
  }

  /**
   * Killing supervisorctl between the stop and the start of a restart leaves the service stopped. So it may take as
   * long as the service needs, as long as supervisord answers; a hung supervisord would block it for ever.
   */
  async #act(action: 'restart' | 'stop' | 'start', processes: readonly string[]): Promise<void> {
    const controller = new AbortController();
    const work = this.#supervisorctl([action, ...processes], ACTION_TIMEOUT_MS, controller.signal);
    const pulse = new AbortController();
    const watch = this.#watch(controller, pulse.signal);
    const result = await work;
    pulse.abort();
    await watch;
    if (result.kind !== 'exited') throw unreachable(result, `supervisorctl ${action} ${processes.join(' ')}`);
  }

  async #watch(controller: AbortController, ended: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await delay(HEARTBEAT_MS, undefined, { signal: ended });
        await this.#status();
      }
    } catch {
      if (!ended.aborted) controller.abort();
    }
  }

  async #status(): Promise<readonly ProcessSample[]> {
    const result = await this.#supervisorctl(['status'], STATUS_TIMEOUT_MS);
    if (result.kind !== 'exited') throw unreachable(result, 'supervisorctl status');
    const samples = readStatus(result.stdout);
    // Without a configuration it says so on stderr, and nothing here: that is no host without programs.
    const silent = samples?.length === 0 && result.code !== 0;
    if (samples === undefined || silent) throw unreachable(result, 'supervisorctl status');
    return Promise.all(samples.map(withStartTime));
  }

  async #supervisorctl(args: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<CommandResult> {
    const limits = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    return this.#run('supervisorctl', [...this.#options, ...args], limits);
  }
}

/** Reads the text of `supervisorctl status`; undefined where it holds anything but status lines. */
export function readStatus(text: string): readonly ProcessSample[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const samples = lines.flatMap((line): ProcessSample[] => {
    const [, process, word, detail] = STATUS_LINE.exec(line.trimEnd()) ?? [];
    const state = STATES[word ?? ''];
    if (process === undefined || state === undefined) return [];
    const pid = /^pid (\d+)/.exec(detail ?? '')?.[1];
    return [{ process, state, detail: detail ?? '', ...(pid !== undefined && { pid: Number(pid) }) }];
  });
  return samples.length === lines.length ? samples : undefined;
}

/** `web` is also the only process of a group `web`; `web:*` is every process of that group. */
function statusOf(service: ServiceName, all: readonly ProcessSample[]): ServiceStatus {
  const [group, program] = service.split(':');
  const [first, ...rest] = all.filter(({ process }) => {
    if (program === '*') return process === group || process.startsWith(`${group}:`);
    return process === service || (program === group && process === group);
  });
  return first === undefined ? { kind: 'unknown' } : { kind: 'known', processes: [first, ...rest] };
}

async function withStartTime(sample: ProcessSample): Promise<ProcessSample> {
  const facts = sample.pid === undefined ? undefined : await processFacts(sample.pid);
  return facts === undefined ? sample : { ...sample, startTime: facts.startTime };
}

function unreachable(result: CommandResult, command: string): UpdateError {
  const story = storyOf(result);
  return new UpdateError({ reason: 'supervisor-unreachable', fault: 'setup' }, `${command}: ${story}`, {
    hint: 'Is supervisord running? "supervisorctl status" must answer; see BIN_PROXY_SUPERVISOR_CONF.',
  });
}

function storyOf(result: CommandResult): string {
  switch (result.kind) {
    case 'exited': {
      const said = `${result.stdout}\n${result.stderr}`.trim().split('\n')[0];
      return said === undefined || said === '' ? `exited with ${result.code}` : said;
    }
    case 'killed':
      return result.why === 'aborted' ? 'supervisord has stopped answering' : result.why;
    case 'not-found':
      return 'supervisorctl was not found, or the Python that it names is not there';
    case 'not-started':
      return result.why;
  }
}

function listed(samples: readonly ProcessSample[]): string {
  return samples.map(({ process, state, detail }) => `${process} is ${state.toUpperCase()} (${detail})`).join(', ');
}
