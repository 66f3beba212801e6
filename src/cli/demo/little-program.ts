import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { systemCode } from '../../domain/errors.ts';
import type { ProgramSection } from './supervisor-conf.ts';

export type LittleState = 'STOPPED' | 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'EXITED' | 'FATAL';

/** What one order came to, in the words of `supervisorctl`. */
export type Answer =
  | 'started'
  | 'stopped'
  | 'ERROR (already started)'
  | 'ERROR (not running)'
  | 'ERROR (no such file)'
  | 'ERROR (file is not executable)'
  | 'ERROR (spawn error)'
  | 'ERROR (abnormal termination)';

const QUICK_EXIT = 'Exited too quickly (process log may have details)';

/** One program that is kept running, in the states and by the rules of supervisor. */
export class LittleProgram {
  readonly #section: ProgramSection;
  readonly #events = new EventEmitter();
  #state: LittleState = 'STOPPED';
  /** When it entered its state; absent: it was never started. */
  #since: Date | undefined;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #trouble = '';

  constructor(section: ProgramSection) {
    this.#section = section;
  }

  get state(): LittleState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What `status` says behind the state. */
  get detail(): string {
    switch (this.#state) {
      case 'RUNNING':
        return `pid ${this.pid}, uptime ${uptime(this.#since)}`;
      case 'STARTING':
      case 'STOPPING':
        return '';
      case 'BACKOFF':
      case 'FATAL':
        return this.#trouble;
      case 'EXITED':
      case 'STOPPED':
        return this.#since === undefined ? 'Not started' : moment(this.#since);
    }
  }

  /** At the supervisor's own start: nobody waits for it. */
  autostart(): void {
    if (this.#section.autostart === 'yes') this.#spawn();
  }

  /** Answers when it runs or its first try has failed; after that it is tried again, as supervisor does. */
  async start(): Promise<Answer> {
    if (this.#state === 'RUNNING' || this.#state === 'STARTING' || this.#state === 'BACKOFF')
      return 'ERROR (already started)';
    if (this.#state === 'STOPPING') return 'ERROR (abnormal termination)';
    const missing = await whyNotExecutable(this.#section.command[0]);
    if (missing !== undefined) return missing;
    this.#failures = 0;
    this.#spawn();
    await this.#leaves('STARTING');
    switch (this.#state as LittleState) {
      case 'RUNNING':
        return 'started';
      case 'BACKOFF':
      case 'FATAL':
        return 'ERROR (spawn error)';
      default:
        return 'ERROR (abnormal termination)';
    }
  }

  /** Ends the restarts too. Answers when no process runs. */
  async stop(): Promise<Answer> {
    if (this.#state === 'BACKOFF') {
      this.#enter('STOPPED');
      return 'stopped';
    }
    if (this.#state !== 'RUNNING' && this.#state !== 'STARTING') return 'ERROR (not running)';
    this.#enter('STOPPING');
    this.#signal('SIGTERM');
    this.#timer = setTimeout(() => this.#signal('SIGKILL'), this.#section.stopWaitSeconds * 1000);
    await this.#leaves('STOPPING');
    return 'stopped';
  }

  #spawn(): void {
    const { command, log, startSeconds } = this.#section;
    const [file, ...args] = command;
    const output = openSync(log, 'a');
    // A process group of its own: what the program has started ends with it.
    const child = spawn(file, args, { detached: true, stdio: ['ignore', output, output] });
    closeSync(output);
    child.once('error', () => this.#ended(`can't find command '${file}'`));
    child.once('exit', () => this.#ended(QUICK_EXIT));
    this.#child = child;
    this.#enter('STARTING');
    this.#timer = setTimeout(() => this.#enter('RUNNING'), startSeconds * 1000);
  }

  #ended(quickly: string): void {
    this.#child = undefined;
    if (this.#state === 'STOPPING') this.#enter('STOPPED');
    else if (this.#state === 'STARTING') this.#failed(quickly);
    else this.#exited();
  }

  /** Each failed start is followed by a longer pause, until there were too many. */
  #failed(trouble: string): void {
    this.#trouble = trouble;
    this.#failures += 1;
    if (this.#failures > this.#section.startRetries) return this.#enter('FATAL');
    this.#enter('BACKOFF');
    this.#timer = setTimeout(() => this.#spawn(), this.#failures * 1000);
  }

  #exited(): void {
    this.#enter('EXITED');
    this.#failures = 0;
    if (this.#section.autorestart === 'yes') this.#spawn();
  }

  #enter(state: LittleState): void {
    clearTimeout(this.#timer);
    this.#state = state;
    // Uptime counts from the start of the process, not from when it was believed in.
    if (state !== 'RUNNING') this.#since = new Date();
    this.#events.emit('change');
  }

  async #leaves(state: LittleState): Promise<void> {
    while (this.#state === state) await once(this.#events, 'change');
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (systemCode(error) !== 'ESRCH') throw error;
    }
  }
}

async function whyNotExecutable(file: string): Promise<Answer | undefined> {
  if (!file.includes('/')) return undefined;
  try {
    await access(file, constants.X_OK);
    return undefined;
  } catch (error) {
    return systemCode(error) === 'EACCES' ? 'ERROR (file is not executable)' : 'ERROR (no such file)';
  }
}

/** `0:01:05`, as Python prints a timedelta. */
function uptime(since: Date | undefined): string {
  const total = Math.floor((Date.now() - (since?.getTime() ?? Date.now())) / 1000);
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return `${hours}:${String(minutes).padStart(2, '0')}:${String(seconds).padStart(2, '0')}`;
}

/** `Nov 21 12:03 AM`. */
function moment(date: Date): string {
  const part = (options: Intl.DateTimeFormatOptions) => date.toLocaleString('en-US', options);
  const day = String(date.getDate()).padStart(2, '0');
  return `${part({ month: 'short' })} ${day} ${part({ hour: '2-digit', minute: '2-digit', hour12: true })}`;
}
