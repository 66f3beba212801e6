import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const RPC_TIMEOUT_MS = 2_000;

export interface Program {
  readonly name: string;
  readonly command: string;
  /** More lines of its section. */
  readonly options?: readonly string[];
}

/** The command of a program that, told to end, does so once this file is there; give it a long `stopwaitsecs`. */
export function endsOnceThereIs(file: string): string {
  return `sh -c "trap 'until test -e ${file}; do sleep 0.1; done; exit' TERM; while :; do sleep 0.1; done"`;
}

/** A real supervisord of our own, in a folder of its own. */
export class Supervisord {
  readonly configuration: string;
  readonly socket: string;
  readonly #directory: string;
  readonly #sections: string[] = [];
  #child: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.socket = join(directory, 'supervisor.sock');
    this.configuration = join(directory, 'supervisord.conf');
  }

  program({ name, command, options = [] }: Program): void {
    this.#sections.push(
      [
        `[program:${name}]`,
        `command=${command}`,
        'autorestart=true',
        'startsecs=1',
        'startretries=2',
        'stopwaitsecs=2',
        `stdout_logfile=${this.#directory}/${name}.out.log`,
        `stderr_logfile=${this.#directory}/${name}.err.log`,
        ...options,
      ].join('\n'),
    );
  }

  group(name: string, programs: readonly string[]): void {
    this.#sections.push(`[group:${name}]\nprograms=${programs.join(',')}`);
  }

  async start(): Promise<void> {
    const socket = this.socket;
    writeFileSync(
      this.configuration,
      `${[
        `[unix_http_server]\nfile=${socket}\nchmod=0700`,
        `[supervisord]\nnodaemon=true\nlogfile=${this.#directory}/supervisord.log\npidfile=${this.#directory}/supervisord.pid\nchildlogdir=${this.#directory}`,
        '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface',
        `[supervisorctl]\nserverurl=unix://${socket}`,
        ...this.#sections,
      ].join('\n\n')}\n`,
    );
    this.#child = spawn('supervisord', ['-n', '-c', this.configuration], { stdio: 'ignore' });
    await this.until(() => this.#answers());
  }

  /** stdout of `supervisorctl`, whatever its exit code. */
  async ctl(...args: readonly string[]): Promise<string> {
    try {
      return (await run('supervisorctl', ['-c', this.configuration, ...args])).stdout;
    } catch (error) {
      return String((error as { stdout?: string }).stdout ?? '');
    }
  }

  async state(name: string): Promise<string> {
    const told = await this.#call('getProcessInfo', name);
    if (told === undefined) return /^\S+\s+(\S+)/m.exec(await this.ctl('status', name))?.[1] ?? 'none';
    return /<name>statename<\/name>\s*<value><string>(\w+)</.exec(told)?.[1] ?? 'none';
  }

  /** 0 where nothing runs. */
  async pid(name: string): Promise<number> {
    const told = await this.#call('getProcessInfo', name);
    if (told === undefined) return Number(await this.ctl('pid', name));
    return Number(/<name>pid<\/name>\s*<value><int>(\d+)</.exec(told)?.[1] ?? 0);
  }

  pidOfItself(): number | undefined {
    return this.#child?.pid;
  }

  /** Waits until nothing is on its way up or down. */
  async settled(): Promise<void> {
    await this.until(async () => !/>(STARTING|STOPPING)</.test((await this.#call('getAllProcessInfo')) ?? ''));
  }

  async stopAll(): Promise<void> {
    await this.#call('stopAllProcesses');
  }

  async startAll(): Promise<void> {
    await this.#call('startAllProcesses');
  }

  async untilState(name: string, state: string): Promise<void> {
    await this.until(async () => (await this.state(name)) === state);
  }

  async until(condition: () => Promise<boolean>, seconds = 60): Promise<void> {
    for (const deadline = Date.now() + seconds * 1000; ; await delay(100)) {
      if (await condition()) return;
      if (Date.now() > deadline)
        throw new Error(`supervisord: not in ${seconds} s; ${await this.ctl('status')}\n${this.#log()}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGCONT');
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }

  /** As the kernel does when memory is out: its programs live on without it. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async #answers(): Promise<boolean> {
    const told = await this.#call('getState');
    if (told === undefined) return !/no such file|refused|SHUTDOWN/.test(await this.ctl('status'));
    return />RUNNING</.test(told);
  }

  /**
   * The answer to a method of supervisord's XML-RPC, as text; undefined from one that does not speak it. Tests ask so
   * often that a supervisorctl, which is a start of Python, for each question would be most of what they cost.
   */
  async #call(method: string, ...names: readonly string[]): Promise<string | undefined> {
    const params = names.map((name) => `<param><value><string>${name}</string></value></param>`).join('');
    const body = `<methodCall><methodName>supervisor.${method}</methodName><params>${params}</params></methodCall>`;
    const asked = request({
      timeout: RPC_TIMEOUT_MS,
      socketPath: this.socket,
      path: '/RPC2',
      method: 'POST',
      headers: { 'content-type': 'text/xml' },
    });
    asked.once('timeout', () => asked.destroy());
    asked.end(body);
    try {
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return await text(response);
    } catch {
      return undefined;
    }
  }

  #log(): string {
    return readFileSync(join(this.#directory, 'supervisord.log'), 'utf8').slice(-2000);
  }
}
