import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemCode } from '../../domain/errors.ts';
import { folded } from '../fold.ts';
import type { Terminal } from '../terminal.ts';
import { ownProgram } from './own-program.ts';

/** As wide as a page that shows them, and before each line stands an indent. */
const WIDTH = 96;
const PREFIX = '  ';

export interface Said {
  readonly code: number;
  readonly text: string;
}

export interface Surroundings {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Runs commands in the folder of the demo and shows them as a terminal would: the command, and what it says. */
export class DemoShell {
  readonly #around: Surroundings;
  readonly #out: Terminal;
  readonly #color: 'always' | 'never';

  constructor(around: Surroundings, out: Terminal) {
    this.#around = around;
    this.#out = out;
    this.#color = out.paint('bold', '.') === '.' ? 'never' : 'always';
  }

  /** The real program of this installation, with the colours that it would have chosen for itself here. */
  async binProxy(...args: readonly string[]): Promise<Said> {
    const [file, ...script] = ownProgram();
    return this.#show(`bin-proxy ${args.join(' ')}`, file, [...script, ...args, '--color', this.#color]);
  }

  async command(file: string, ...args: readonly string[]): Promise<Said> {
    return this.#show([file, ...args].join(' '), file, args);
  }

  /** `echo $?` after a command, without a shell. */
  exitCode(said: Said): void {
    this.#prompt('echo $?');
    this.#out.line(`  ${said.code}`);
  }

  async #show(shown: string, file: string, args: readonly string[]): Promise<Said> {
    this.#prompt(shown);
    const said = await this.#run(file, args);
    const lines = said.text === '' ? [] : said.text.replace(/\n$/, '').split('\n');
    const width = Math.min(WIDTH, (this.#out.width ?? Number.POSITIVE_INFINITY) - PREFIX.length);
    for (const part of lines.flatMap((line) => folded(line, width)))
      this.#out.line(part === '' ? '' : `${PREFIX}${part}`);
    return said;
  }

  #prompt(command: string): void {
    this.#out.line(`  ${this.#out.paint('bold', `$ ${command}`)}`);
  }

  async #run(file: string, args: readonly string[]): Promise<Said> {
    const { folder, environment, signal } = this.#around;
    signal.throwIfAborted();
    // Its own process group: Ctrl-C reaches it through us, and everything it has started ends with it.
    const child = spawn(file, args, {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const end = () => killGroup(child.pid);
    signal.addEventListener('abort', end, { once: true });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      signal.throwIfAborted();
      return { code: code ?? 1, text };
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}

function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
