import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, untilListening } from './free-port.ts';

/** A program of this machine that serves on a port, in a folder of its own; gone with `stop`. */
export class Daemon {
  readonly directory: string;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(directory: string, port: number, child: ChildProcess) {
    this.directory = directory;
    this.port = port;
    this.#child = child;
  }

  /** tinyproxy, with an account if one is given. */
  static async tinyproxy(account?: readonly [string, string]): Promise<Daemon> {
    return Daemon.start('tinyproxy', (directory, port) => {
      const lines = [
        `Port ${port}`,
        'Listen 127.0.0.1',
        `LogFile "${directory}/log"`,
        'LogLevel Connect',
        'Timeout 30',
      ];
      if (account !== undefined) lines.push(`BasicAuth ${account.join(' ')}`);
      writeFileSync(join(directory, 'tinyproxy.conf'), `${lines.join('\n')}\n`);
      return ['-d', '-c', join(directory, 'tinyproxy.conf')];
    });
  }

  /** Starts it in the foreground with the arguments that `prepare` gives, and waits until it listens. */
  static async start(file: string, prepare: (directory: string, port: number) => readonly string[]): Promise<Daemon> {
    const directory = mkdtempSync(join(tmpdir(), 'bin-proxy-daemon-'));
    const port = await freePort();
    const child = spawn(file, prepare(directory, port), { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await Promise.race([
      untilListening(port),
      once(child, 'exit').then(() => {
        throw new Error(`${file} has ended: ${said}`);
      }),
    ]);
    return new Daemon(directory, port, child);
  }

  log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8');
  }

  write(path: string, bytes: string | Buffer): void {
    const file = join(this.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}
