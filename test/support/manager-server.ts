import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ran } from './host.ts';
import type { StoreFolder } from './release-store.ts';

export const PUBLISHER = 'publisher-'.padEnd(40, 'p');
export const READER = 'reader-'.padEnd(40, 'r');

/** The real `bin-manager serve` on a store, on a free port. */
export class ManagerServer {
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #said: { stdout: string; stderr: string };

  private constructor(child: ChildProcess, said: { stdout: string; stderr: string }) {
    this.#child = child;
    this.#said = said;
    this.origin = / at (https?:\/\/\S+)\/api\/v1\n/.exec(said.stderr)?.[1] ?? '';
  }

  static async start(store: StoreFolder, ...args: readonly string[]): Promise<ManagerServer> {
    return ManagerServer.startWith([], store, args);
  }

  /** With options of Node itself. */
  static async startWith(
    options: readonly string[],
    store: StoreFolder,
    args: readonly string[],
  ): Promise<ManagerServer> {
    const child = spawn(process.execPath, [...options, store.program, 'serve', '--listen', '127.0.0.1:0', ...args], {
      env: store.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    }
    while (!said.stderr.includes('report: ')) {
      if (child.exitCode !== null)
        throw new Error(`bin-manager serve has ended with ${child.exitCode}: ${said.stderr}`);
      await Promise.race([once(child.stderr, 'data'), once(child, 'exit')]);
    }
    return new ManagerServer(child, said);
  }

  get api(): string {
    return `${this.origin}/api/v1`;
  }

  async untilSaid(text: string): Promise<void> {
    while (!this.#said.stderr.includes(text)) await once(this.#child.stderr as NodeJS.EventEmitter, 'data');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ran> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    return this.ended();
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<Ran> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
    return { code: this.#child.exitCode, ...this.#said };
  }

  /** Sends a file as a publisher does. */
  async put(
    path: string,
    bytes: Uint8Array | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const authorization = `Bearer ${PUBLISHER}`;
    const body = typeof bytes === 'string' ? bytes : Buffer.from(bytes);
    return fetch(`${this.api}/releases/${path}`, { method: 'PUT', body, headers: { authorization, ...headers } });
  }
}

/** A token file with a publisher in it, and more lines. */
export function tokenFile(store: StoreFolder, ...lines: readonly string[]): string {
  const file = join(store.directory, 'tokens');
  writeFileSync(file, ['# who may', `ci publish ${PUBLISHER}`, ...lines, ''].join('\n'), { mode: 0o600 });
  return file;
}
