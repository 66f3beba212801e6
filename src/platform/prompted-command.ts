import type { Socket } from 'node:net';
import { type CommandLimits, type CommandResult, StartedProgram } from './command.ts';

/** What a shell says when it is about to read a line: the last line of its output, which has no end yet. */
const PROMPT = /(?:^|\n)[^\n]*> $/;

/** Where a program waits for its line: what it has said before it, its prompt left out. */
export interface Prompted {
  readonly kind: 'waits';
  readonly said: string;
}

/**
 * A program that is started before it is needed, and waits at its prompt for the one line that it is given. It ends with
 * its stdin: after the line, when it is dismissed, and when this process ends, by whatever cause. Unless somebody waits for
 * it, this process ends without it.
 */
export class PromptedCommand {
  readonly #started: StartedProgram;
  readonly #prompted: Promise<Prompted>;
  #state: 'starts' | 'waits' | 'over' = 'starts';

  constructor(file: string, args: readonly string[]) {
    this.#started = new StartedProgram(file, args, 'pipe');
    const { child, ended } = this.#started;
    // That it has ended is told by `ended`, and not by what is written to it.
    child.stdin?.on('error', () => {});
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket | null)?.unref();
    child.unref();
    this.#prompted = this.#prompt();
    void ended.then(() => {
      this.#state = 'over';
    });
  }

  /** Whether it can be given its line. */
  get waits(): boolean {
    return this.#state === 'waits';
  }

  /** Waits for its prompt, or tells how it ended before one. Never rejects. */
  async prompted(timeoutMs: number): Promise<Prompted | CommandResult> {
    this.#started.limit({ timeoutMs });
    const prompted = await Promise.race([this.#prompted, this.#started.ended]);
    this.#started.unlimit();
    return prompted;
  }

  /** Gives it its line, and waits for its end as `runCommand` does. */
  tell(line: string, limits: CommandLimits): Promise<CommandResult> {
    this.#state = 'over';
    this.#started.limit(limits);
    this.#started.child.stdin?.end(`${line}\n`);
    return this.#started.ended;
  }

  /** Nothing is wanted of it any more. */
  dismiss(): void {
    this.#state = 'over';
    this.#started.child.stdin?.end();
  }

  #prompt(): Promise<Prompted> {
    const { child, stdout } = this.#started;
    return new Promise((resolve) => {
      child.stdout?.on('data', () => {
        const text = stdout();
        if (this.#state !== 'starts' || !PROMPT.test(text)) return;
        this.#state = 'waits';
        resolve({ kind: 'waits', said: text.slice(0, text.lastIndexOf('\n') + 1) });
      });
    });
  }
}
