import { type ChildProcess, spawn } from 'node:child_process';
import { STARTED_BY } from './processes.ts';

const MAX_OUTPUT_BYTES = 256 * 1024;
const KILL_AFTER_MS = 2_000;
const OUTPUT_AFTER_EXIT_MS = 1_000;
/** cron gives a job no more than `/usr/bin:/bin`. */
const STANDARD_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export interface CommandLimits {
  readonly timeoutMs: number;
  /** `end`: what the program has started and left behind is killed once it has ended. */
  readonly leftovers?: 'end';
  readonly signal?: AbortSignal;
}

/** How a program ended. It is up to the caller what that means: `supervisorctl` exits 0 on many failures. */
export type CommandResult =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'killed'; readonly why: string; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'not-started'; readonly why: string; readonly code: string };

/** Runs a program: a file and its arguments, never a shell (invariant 9). */
export type RunCommand = (file: string, args: readonly string[], limits: CommandLimits) => Promise<CommandResult>;

export function commandPath(inherited = process.env['PATH'] ?? ''): string {
  const given = inherited.split(':').filter((part) => part !== '');
  return [...given, ...STANDARD_PATH.filter((part) => !given.includes(part))].join(':');
}

/**
 * Runs in a process group of its own (a terminal's Ctrl-C must not end supervisorctl between stop and start), with stdin
 * closed, English messages, `/` as the working directory (supervisorctl reads a configuration from the current one) and
 * bounded output. A program that outlives its limit gets SIGTERM, then SIGKILL, with all its children.
 */
export const runCommand: RunCommand = (file, args, limits) => {
  const started = new StartedProgram(file, args, 'ignore');
  started.limit(limits);
  return started.ended;
};

/** A program that was started as {@link runCommand} does it, and has no limits yet. */
export class StartedProgram {
  readonly child: ChildProcess;
  /** Never rejects. */
  readonly ended: Promise<CommandResult>;
  /** What it has said until now. */
  readonly stdout: () => string;
  readonly #executioner: Executioner;

  constructor(file: string, args: readonly string[], stdin: 'ignore' | 'pipe') {
    this.child = spawn(file, args, { cwd: '/', env: environment(), stdio: [stdin, 'pipe', 'pipe'], detached: true });
    this.stdout = collect(this.child.stdout);
    this.#executioner = new Executioner(this.child);
    this.ended = this.#end(collect(this.child.stderr));
  }

  /** From now on; former limits are no longer any. While it has some, this process waits for it. */
  limit(limits: CommandLimits): void {
    this.#executioner.limit(limits);
  }

  unlimit(): void {
    this.#executioner.dismiss();
  }

  #end(stderr: () => string): Promise<CommandResult> {
    const { child } = this;
    return new Promise((resolve) => {
      const settle = (result: CommandResult) => {
        this.#executioner.dismiss();
        resolve(result);
      };
      child.on('error', (error: NodeJS.ErrnoException) => {
        if (child.pid !== undefined) return;
        const { code = 'unknown', message: why } = error;
        settle(code === 'ENOENT' ? { kind: 'not-found' } : { kind: 'not-started', why, code });
      });
      let closing: NodeJS.Timeout | undefined;
      // A child of the child may hold the pipes for ever; what it says after its parent's end is not waited for.
      child.on('exit', () => {
        this.#executioner.ended();
        closing = setTimeout(() => closeOutput(child), OUTPUT_AFTER_EXIT_MS);
      });
      child.on('close', (code, signal) => {
        // Left alone it keeps this process: every update was a second longer, for the cp(1) that it ends with.
        clearTimeout(closing);
        const output = { stdout: this.stdout(), stderr: stderr() };
        const why = this.#executioner.why ?? (code === null ? `killed by ${signal}` : undefined);
        settle(why === undefined ? { kind: 'exited', code: code ?? 0, ...output } : { kind: 'killed', why, ...output });
      });
    });
  }
}

/** Ends a program that takes too long or is no longer wanted: SIGTERM first, then SIGKILL. */
class Executioner {
  why: string | undefined;
  readonly #child: ChildProcess;
  #limits: CommandLimits | undefined;
  #timer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  readonly #onAbort = () => this.#stop('aborted');

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  limit(limits: CommandLimits): void {
    this.dismiss();
    this.#limits = limits;
    const { timeoutMs, signal } = limits;
    this.#timer = setTimeout(() => this.#stop(`no end after ${timeoutMs / 1000} s`), timeoutMs);
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Kills what is left of the group, where that is wanted. */
  ended(): void {
    const leftovers = this.#limits?.leftovers;
    this.dismiss();
    if (leftovers === 'end') this.#kill('SIGKILL');
  }

  dismiss(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#killTimer);
    this.#limits?.signal?.removeEventListener('abort', this.#onAbort);
    this.#limits = undefined;
  }

  #stop(why: string): void {
    if (this.why !== undefined) return;
    this.why = why;
    this.#kill('SIGTERM');
    this.#killTimer = setTimeout(() => this.#kill('SIGKILL'), KILL_AFTER_MS);
  }

  /** The whole group: a shell's children would otherwise live on. */
  #kill(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}

function closeOutput(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/**
 * What a check prints ends up in the log, so a child is told neither the token nor the address of the ping: who knows it
 * can say that all is well (invariant 14). No child has a terminal. And a supervisorctl that hands on each word, as many a
 * container's environment wants of Python, fails at the first one after this process was killed: between stop and start.
 */
function environment(): NodeJS.ProcessEnv {
  const { BIN_MANAGER_TOKEN: _token, BIN_PROXY_PING_URL: _address, PYTHONUNBUFFERED: _each, ...rest } = process.env;
  return { ...rest, PATH: commandPath(), LC_ALL: 'C', TERM: 'dumb', [STARTED_BY]: String(process.pid) };
}

function collect(stream: NodeJS.ReadableStream | null | undefined): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (bytes < MAX_OUTPUT_BYTES) chunks.push(chunk.subarray(0, MAX_OUTPUT_BYTES - bytes));
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
