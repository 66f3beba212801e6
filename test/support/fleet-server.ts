import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('./fleet-server.mjs', import.meta.url));

/** What was answered: status, and the body as JSON where it is. */
export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** A process that takes what hosts report, on a store that need not be there. */
export class FleetServer {
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #said: readonly string[];

  private constructor(child: ChildProcess, port: string, said: readonly string[]) {
    this.#child = child;
    this.origin = `http://127.0.0.1:${port}`;
    this.#said = said;
  }

  /** `through`: a program that starts it, and its arguments. */
  static async start(store: string, through: readonly string[] = []): Promise<FleetServer> {
    const [file = '', ...args] = [...through, process.execPath, PROGRAM, store];
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    return new FleetServer(child, String(first.value), said);
  }

  /** What it told whoever runs it. */
  get said(): string {
    return this.#said.join('');
  }

  async get(path: string): Promise<Answered> {
    return read(await fetch(`${this.origin}${path}`));
  }

  async post(path: string, body: unknown): Promise<Answered> {
    return read(await fetch(`${this.origin}${path}`, { method: 'POST', body: JSON.stringify(body) }));
  }

  /** The same with curl, over a connection of its own. */
  async curl(...args: readonly string[]): Promise<Answered> {
    const path = args.at(-1) ?? '';
    const options = ['--silent', '--show-error', '--noproxy', '*', '--write-out', '\n%{http_code}'];
    const { stdout } = await promisify(execFile)('curl', [...options, ...args.slice(0, -1), `${this.origin}${path}`]);
    const end = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(end + 1)), body: parsed(stdout.slice(0, end)) };
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}

async function read(response: Response): Promise<Answered> {
  return { status: response.status, body: parsed(await response.text()) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
