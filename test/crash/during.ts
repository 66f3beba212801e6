import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../../src/domain/outcome.ts';
import { type Host, PROGRAM, type RanTick } from '../support/host.ts';
import { QUICK } from './scenarios.ts';

type Settings = Readonly<Record<string, string>>;

/** A tick under way, which something happens to. */
export class RunningTick {
  readonly child: ChildProcess;
  readonly #host: Host;
  readonly #ended: Promise<RanTick>;

  constructor(
    host: Host,
    settings: Settings = {},
    [file, ...args]: readonly [string, ...string[]] = [process.execPath],
  ) {
    this.#host = host;
    this.child = spawn(file, [...args, PROGRAM, 'run', '--json'], {
      env: host.environment({ ...QUICK, ...settings }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = ended(this.child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until the log holds a line; where the tick ends before, its output says why. */
  async until(line: string): Promise<void> {
    const { logFile } = this.#host;
    await eventually(() => {
      if (existsSync(logFile) && readFileSync(logFile, 'utf8').includes(line)) return true;
      if (this.child.exitCode !== null) throw new Error(`the tick has ended before "${line}"`);
      return false;
    });
  }

  async end(): Promise<RanTick> {
    return this.#ended;
  }
}

/** Runs a tick, and does something as soon as its log holds a line. */
export async function duringTick(host: Host, line: string, what: () => Promise<void> | void): Promise<RanTick> {
  const tick = new RunningTick(host);
  await tick.until(line);
  await what();
  return tick.end();
}

/** Polls until something holds. The limit is for a machine that does many things at once. */
export async function eventually(condition: () => Promise<boolean> | boolean, seconds = 60): Promise<void> {
  for (const deadline = performance.now() + seconds * 1000; ; await delay(20)) {
    if (await condition()) return;
    if (performance.now() > deadline) throw new Error(`it does not hold after ${seconds} s: ${condition.toString()}`);
  }
}

async function ended(child: ChildProcess): Promise<RanTick> {
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  const document = stdout === '' ? { binaries: [] } : (JSON.parse(stdout) as { binaries: Outcome[] });
  return { code, stdout, stderr, binaries: document.binaries };
}

async function text(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
