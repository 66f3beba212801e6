import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./lock-holder.mjs', import.meta.url));

export interface HolderEvent {
  readonly held?: true;
  readonly released?: true;
  readonly lost?: string;
  readonly refused?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** A process that asks for the lock. */
export class LockHolder {
  readonly #child: ChildProcess;
  readonly #events: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  constructor(file: string) {
    this.#child = spawn(process.execPath, [PROGRAM, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('a pipe was asked for');
    this.#events = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#ended = once(this.#child, 'exit');
    this.#child.stdin?.on('error', () => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async next(): Promise<HolderEvent> {
    const { value, done } = await this.#events.next();
    if (done === true) throw new Error('the process ended without a word');
    return JSON.parse(value) as HolderEvent;
  }

  /** Asks it to release the lock. */
  release(): void {
    this.#child.stdin?.write('release\n');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit code; null where a signal ended it. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }
}
