import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program to be measured, with exactly this environment. */
export interface Contender {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Brings back the state that it starts from, before every round. */
  readonly prepare?: () => void;
}

/** What a program and its children used, the middle one of all rounds. */
export interface Usage {
  /** User and system time. */
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly peakMib: number;
}

/** Measures programs with a little one of its own that starts them: getrusage knows of ended children alone. */
export class Meter {
  readonly #directory = mkdtempSync(join(tmpdir(), 'bin-proxy-bench-'));
  readonly #measure = join(this.#directory, 'measure');

  constructor() {
    const source = new URL('./measure.c', import.meta.url).pathname;
    execFileSync('cc', ['-O1', '-Wall', '-Werror', '-o', this.#measure, source]);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Rounds in which each has its turn, so that a slow minute of the machine is one for all of them. */
  async rounds(count: number, contenders: readonly Contender[]): Promise<ReadonlyMap<string, Usage>> {
    const all = new Map<string, Usage[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < count; round++) {
      for (const contender of contenders) all.get(contender.name)?.push(await this.#once(contender));
    }
    return new Map([...all].map(([name, usages]) => [name, middle(usages)]));
  }

  async #once({ name, command, environment, prepare }: Contender): Promise<Usage> {
    prepare?.();
    const file = join(this.#directory, 'usage');
    const child = spawn(this.#measure, [file, ...command], {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(child, 'exit');
    const [cpu = 0, wall = 0, peak = 0, status = -1] = readFileSync(file, 'utf8').trim().split(' ').map(Number);
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${command.join(' ')}`);
    return { cpuMs: cpu / 1000, wallMs: wall / 1000, peakMib: peak / 1024 };
  }
}

function middle(usages: readonly Usage[]): Usage {
  const median = (of: (usage: Usage) => number) =>
    usages.map(of).sort((a, b) => a - b)[usages.length >> 1] ?? Number.NaN;
  return {
    cpuMs: median((one) => one.cpuMs),
    wallMs: median((one) => one.wallMs),
    peakMib: median((one) => one.peakMib),
  };
}
