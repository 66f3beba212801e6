import type { ProcessState } from '../planning/health.ts';
import { readText } from '../platform/files.ts';
import { callRpc, RpcFault, type RpcServer, RpcSilence, RpcStatusError, type RpcValue } from '../platform/xml-rpc.ts';
import { searchedFiles, serverOf } from './supervisor-server.ts';
import { type Stream, type SupervisorView, type ToldProcess, unreachable } from './supervisor-view.ts';
import { linesOf } from './supervisor-words.ts';

/** supervisord answers within milliseconds, unless the host or it has stopped. */
const TIMEOUT_MS = 15_000;
const LOG_TIMEOUT_MS = 5_000;
/** The longest letter of UTF-8. */
const LETTER_BYTES = 4;

/** What pip and the distributions install as supervisorctl. */
const INTERPRETED = /^#!.*python/;
/**
 * Where stdout is a pipe, Python 3 hands on a prompt at once, and all else with it. Python 2 keeps the prompt too; told not
 * to, it would hand on each word, and fail between stop and start where nobody is left to read it.
 */
const PROMPTS = /^#!.*python3/;

/** supervisord's own numbers (`supervisor.states`). */
const STATES: Readonly<Record<number, ProcessState>> = {
  0: 'stopped',
  10: 'starting',
  20: 'running',
  30: 'backoff',
  40: 'stopping',
  100: 'exited',
  200: 'fatal',
  1000: 'unknown',
};

/** The last bytes of a log. */
interface Tail {
  readonly method: string;
  /** Whose log it is; none: supervisord's own. */
  readonly names: readonly string[];
  readonly bytes: number;
}

interface Question<T> {
  readonly method: string;
  readonly parameters?: readonly (string | number)[];
  readonly timeoutMs?: number;
  readonly read: (value: RpcValue) => T;
}

/**
 * supervisord, asked at its own socket by XML-RPC: a few milliseconds, where every `supervisorctl` starts a Python. Where
 * it refuses, or answers what cannot be read, `otherwise` is asked, whose errors are the ones that a person knows; one that
 * takes the question and does not answer is not asked twice.
 */
export class SupervisorSocket implements SupervisorView {
  readonly #server: RpcServer;
  readonly #otherwise: SupervisorView;
  readonly #patienceMs: number;

  constructor(server: RpcServer, otherwise: SupervisorView, patienceMs = Number.POSITIVE_INFINITY) {
    this.#server = server;
    this.#otherwise = otherwise;
    this.#patienceMs = patienceMs;
  }

  async processes(): Promise<readonly ToldProcess[]> {
    try {
      return await this.#ask({ method: 'getAllProcessInfo', read: readProcesses });
    } catch (error) {
      if (error instanceof RpcSilence) throw unreachable('supervisord', error.message, error);
      return this.#otherwise.processes();
    }
  }

  async pid(): Promise<number | undefined> {
    try {
      return await this.#ask({ method: 'getPID', read: readPid });
    } catch (error) {
      return error instanceof RpcSilence ? undefined : this.#otherwise.pid();
    }
  }

  mainLog(bytes: number): Promise<readonly string[]> {
    return this.#lines({ method: 'readLog', names: [], bytes }, () => this.#otherwise.mainLog(bytes));
  }

  log(process: string, stream: Stream, bytes: number): Promise<readonly string[]> {
    const method = stream === 'stdout' ? 'readProcessStdoutLog' : 'readProcessStderrLog';
    return this.#lines({ method, names: [process], bytes }, () => this.#otherwise.log(process, stream, bytes));
  }

  async #lines(tail: Tail, otherwise: () => Promise<readonly string[]>): Promise<readonly string[]> {
    try {
      return await this.#tail(tail);
    } catch (error) {
      return isAnswered(error) ? [] : otherwise();
    }
  }

  async #tail({ method, names, bytes }: Tail): Promise<readonly string[]> {
    for (let cut = 0; ; cut++) {
      const read = (value: RpcValue) => linesOf(readString(value), bytes - cut);
      try {
        return await this.#ask({ method, parameters: [...names, cut - bytes, 0], timeoutMs: LOG_TIMEOUT_MS, read });
      } catch (error) {
        // It cannot tell of a text that begins in the middle of a letter.
        const isCutLetter = error instanceof RpcStatusError && error.status === 500;
        if (!isCutLetter || cut === LETTER_BYTES - 1) throw error;
      }
    }
  }

  async #ask<T>({ method, parameters = [], timeoutMs = TIMEOUT_MS, read }: Question<T>): Promise<T> {
    const call = { method: `supervisor.${method}`, parameters, timeoutMs: Math.min(timeoutMs, this.#patienceMs) };
    return read(await callRpc(this.#server, call));
  }
}

export interface ToldServer extends RpcServer {
  /** Whether a supervisorctl can be started before its order is known, and be told it at its prompt. */
  readonly prompts: boolean;
}

/**
 * supervisord as the supervisorctl at `program` would reach it, by its `configuration` or the first that it looks for.
 * Undefined where that configuration does not say where supervisord listens, or cannot be read here.
 */
export async function toldServer(program: string, configuration: string | undefined): Promise<ToldServer | undefined> {
  // Somebody's own script may name another configuration, or another machine.
  const script = (await readText(program).catch(() => undefined)) ?? '';
  if (!INTERPRETED.test(script)) return undefined;
  const files = configuration === undefined ? searchedFiles(program) : [configuration];
  const text = await firstText(files).catch(() => undefined);
  const told = text === undefined ? undefined : serverOf(text);
  if (told === undefined) return undefined;
  const { history, ...server } = told;
  return { ...server, prompts: history === 'none' && PROMPTS.test(script) };
}

async function firstText(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const text = await readText(file);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Reads the answer of `getAllProcessInfo`. Throws `Error` where anything in it is not as documented. */
function readProcesses(value: RpcValue): readonly ToldProcess[] {
  if (!Array.isArray(value)) throw new Error('expected a list of processes');
  return (value as readonly RpcValue[]).map((told) => {
    const { group, name, state, pid, description } = Object(told) as Readonly<Record<string, RpcValue | undefined>>;
    const known = typeof state === 'number' ? STATES[state] : undefined;
    if (known === undefined || typeof pid !== 'number') throw new Error('expected a state and a pid');
    const process = processName(readString(group), readString(name));
    // supervisorctl would take it for several names, and do to each what it is told.
    if (/\s/.test(process)) throw new Error('expected a name without blanks');
    return { process, state: known, detail: readString(description).trim(), ...(pid > 0 && { pid }) };
  });
}

/** There is no such log, or it took the question and cannot answer it: either way nobody else knows more. */
function isAnswered(error: unknown): boolean {
  return error instanceof RpcFault || error instanceof RpcSilence || error instanceof RpcStatusError;
}

/** As supervisorctl prints it: the only process of a group of its own name needs no group. */
function processName(group: string, name: string): string {
  return group === name ? name : `${group}:${name}`;
}

function readString(value: RpcValue | undefined): string {
  if (typeof value !== 'string') throw new Error(`expected a text, found ${typeof value}`);
  return value;
}

function readPid(value: RpcValue): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) throw new Error('expected a pid');
  return value;
}
