import type { ProcessState } from '../planning/health.ts';
import type { CommandResult, RunCommand } from '../platform/command.ts';
import { PromptedCommand } from '../platform/prompted-command.ts';
import {
  type Action,
  type Stream,
  type SupervisorControl,
  type SupervisorView,
  type ToldProcess,
  unreachable,
} from './supervisor-view.ts';
import { linesOf, SHELL, saidNothing } from './supervisor-words.ts';

const STATUS_TIMEOUT_MS = 15_000;
/** The longest stop plus start that is waited for, while supervisord goes on answering. */
const ACTION_TIMEOUT_MS = 15 * 60_000;
const TAIL_TIMEOUT_MS = 5_000;
/** One that waits is a Python in memory. What takes longer than this does not wait for another. */
const AHEAD_MS = 60_000;

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
const STATUS_LINE = /^(\S+)\s+(RUNNING|STARTING|STOPPING|STOPPED|EXITED|BACKOFF|FATAL|UNKNOWN)\b[ \t]*(.*)$/;

/**
 * supervisord, through the text of `supervisorctl`. Its exit codes say little: 0 for a crash loop and for a stop that
 * stopped nothing, 7 for a start that supervisord is still retrying, always 0 in version 3. So they are never used; the
 * text of `status` is.
 */
export class Supervisorctl implements SupervisorView, SupervisorControl {
  readonly #run: RunCommand;
  readonly #options: readonly string[];
  #ahead: PromptedCommand | undefined;
  #readiness: Promise<void> | undefined;

  constructor(run: RunCommand, configuration: string | undefined) {
    this.#run = run;
    this.#options = configuration === undefined ? [] : ['-c', configuration];
  }

  /**
   * Starts the one that the first order is given to: without an action supervisorctl is a shell, which tells the status and
   * then waits for a line. So its Python, the slowest part of a restart, is up when the order comes. It opens a connection
   * for each line, and ends when this process does.
   */
  startAhead(): void {
    const ahead = new PromptedCommand('supervisorctl', [...this.#options, SHELL]);
    setTimeout(() => ahead.dismiss(), AHEAD_MS).unref();
    this.#ahead = ahead;
  }

  ready(): Promise<void> {
    this.#readiness ??= this.#rehearse();
    return this.#readiness;
  }

  /** A shell that does not behave as one is left alone; then the status decides, whose errors people know. */
  async #rehearse(): Promise<void> {
    const prompted = await this.#ahead?.prompted(STATUS_TIMEOUT_MS);
    if (prompted?.kind === 'waits' && readStatus(prompted.said) !== undefined) return;
    this.#ahead?.dismiss();
    await this.processes();
  }

  async act(action: Action, processes: readonly string[], signal: AbortSignal): Promise<void> {
    const result = await this.#order([action, ...processes], signal);
    if (result.kind !== 'exited') throw unreachable(`supervisorctl ${action} ${processes.join(' ')}`, storyOf(result));
  }

  async #order(words: readonly string[], signal: AbortSignal): Promise<CommandResult> {
    const limits = { timeoutMs: ACTION_TIMEOUT_MS, signal };
    // That it cannot be rehearsed is no reason to give no order: a service may be down.
    if (this.#ahead !== undefined) await this.ready().catch(() => {});
    return this.#ahead?.waits === true ? this.#ahead.tell(words.join(' '), limits) : this.#supervisorctl(words, limits);
  }

  async processes(): Promise<readonly ToldProcess[]> {
    const result = await this.#supervisorctl(['status'], { timeoutMs: STATUS_TIMEOUT_MS });
    const told = result.kind === 'exited' ? readStatus(result.stdout) : undefined;
    // Without a configuration it says so on stderr, and nothing here: that is no host without programs.
    const silent = result.kind === 'exited' && told?.length === 0 && result.code !== 0;
    if (told === undefined || silent) throw unreachable('supervisorctl status', storyOf(result));
    return told;
  }

  async pid(): Promise<number | undefined> {
    const result = await this.#supervisorctl(['pid'], { timeoutMs: STATUS_TIMEOUT_MS });
    return result.kind === 'exited' && /^\d+\s*$/.test(result.stdout) ? Number(result.stdout) : undefined;
  }

  async mainLog(bytes: number): Promise<readonly string[]> {
    return this.#tail(['maintail', `-${bytes}`], bytes);
  }

  async log(process: string, stream: Stream, bytes: number): Promise<readonly string[]> {
    return this.#tail(['tail', `-${bytes}`, process, stream], bytes);
  }

  async #tail(args: readonly string[], bytes: number): Promise<readonly string[]> {
    const result = await this.#supervisorctl(args, { timeoutMs: TAIL_TIMEOUT_MS });
    if (result.kind !== 'exited' || result.code !== 0 || saidNothing(result.stdout)) return [];
    return linesOf(result.stdout, bytes);
  }

  async #supervisorctl(
    args: readonly string[],
    limits: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<CommandResult> {
    return this.#run('supervisorctl', [...this.#options, ...args], limits);
  }
}

/** Reads the text of `supervisorctl status`; undefined where it holds anything but status lines. */
export function readStatus(text: string): readonly ToldProcess[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const told = lines.flatMap((line): ToldProcess[] => {
    const [, process, word, detail] = STATUS_LINE.exec(line.trimEnd()) ?? [];
    const state = STATES[word ?? ''];
    if (process === undefined || state === undefined) return [];
    const pid = /^pid (\d+)/.exec(detail ?? '')?.[1];
    return [{ process, state, detail: detail ?? '', ...(pid !== undefined && { pid: Number(pid) }) }];
  });
  return told.length === lines.length ? told : undefined;
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
