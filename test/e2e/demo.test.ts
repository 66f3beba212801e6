import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { has } from '../support/components.ts';
import { PROGRAM, type Ran, runProgram } from '../support/host.ts';

/** What the demo and the ticks in it use of a machine. */
const TOOLS = ['sh', 'sleep', 'flock', 'cp', 'cat', 'tail'];

/** A newcomer's machine: a PATH of its own and a temporary directory in which nothing may be left. */
class Newcomer {
  readonly directory = mkdtempSync(join(tmpdir(), 'bin-proxy-new-'));
  readonly temporary = join(this.directory, 'tmp');
  readonly environment: Record<string, string>;

  constructor() {
    mkdirSync(this.temporary);
    // Settings of the real host, which the demo must not touch.
    const foreign = {
      BIN_MANAGER_API: 'http://127.0.0.1:9/',
      BIN_DIR: '/nonexistent',
      BIN_PROXY_SPLAY_SECONDS: '3600',
    };
    this.environment = { PATH: process.env['PATH'] ?? '', TMPDIR: this.temporary, ...foreign };
  }

  /** A PATH that holds what is needed, and no supervisor. */
  withoutSupervisor(): this {
    const tools = join(this.directory, 'tools');
    mkdirSync(tools);
    for (const tool of TOOLS) symlinkSync(fileOf(tool), join(tools, tool));
    this.environment['PATH'] = tools;
    return this;
  }

  async demo(...args: readonly string[]): Promise<Ran> {
    return runProgram(process.execPath, [PROGRAM, 'demo', ...args], this.environment);
  }

  leftFiles(): readonly string[] {
    return readdirSync(this.temporary);
  }

  /** Every process inherits the name of the temporary directory, which nobody else has. */
  async leftProcesses(): Promise<readonly string[]> {
    for (let look = 0; look < 200; look++) {
      if (processesWith(`TMPDIR=${this.temporary}`).length === 0) return [];
      await delay(100);
    }
    return processesWith(`TMPDIR=${this.temporary}`);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function fileOf(tool: string): string {
  const files = (process.env['PATH'] ?? '').split(':').map((directory) => join(directory, tool));
  const found = files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${tool} is not on the PATH`);
  return found;
}

function processesWith(assignment: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(assignment);
    } catch {
      return false;
    }
  });
}

const demoTest = test.extend<{ newcomer: Newcomer }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  newcomer: async ({}, use) => {
    const newcomer = new Newcomer();
    await use(newcomer);
    newcomer.remove();
  },
});

async function showsEverything(newcomer: Newcomer): Promise<string> {
  const { code, stdout, stderr } = await newcomer.demo();

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/\$ bin-proxy run\n {2}hello {2}updated {2}- -> [0-9a-f]{8} {2}was not installed/);
  expect(stdout).toMatch(/\$ bin-proxy run\n {2}hello {2}updated {2}[0-9a-f]{8} -> [0-9a-f]{8} {2}new release/);
  expect(stdout).toMatch(
    /\$ bin-proxy run\n {2}hello {2}ROLLED BACK {2}[^$]*the\s+former\s+version\s+is\s+back[^$]*\$ echo \$\?\n {2}20\n/,
  );
  expect(stdout).toMatch(/\$ bin-proxy run\n {2}\$ bin-proxy plan\n[^$]*quarantined until [^$]*1 left alone/);
  const running = [
    ...stdout.matchAll(
      / RUNNING {3}pid (\d+), .*\n {2}\$ tail .*\n(?: {2}hello .*\n)*? {2}hello ([\d.]+): started with pid \1\n(?! {2}hello)/g,
    ),
  ];
  expect(running.map(([, , version]) => version)).toEqual(['1.0', '2.0', '2.0', '2.0', '4.0']);
  // A path stays whole: somebody is going to copy it.
  const lines = stdout.split('\n').filter((line) => !/^ +(evidence: )?\/\S+$/.test(line));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(stdout).not.toContain('\u001b');
  expect(newcomer.leftFiles()).toEqual([]);
  expect(await newcomer.leftProcesses()).toEqual([]);
  return stdout;
}

describe.concurrent('bin-proxy demo', () => {
  demoTest.skipIf(!has('supervisord', 'supervisorctl'))(
    'shows an update, a rollback and a quarantine on a real supervisord',
    async ({ newcomer }) => {
      expect(await showsEverything(newcomer)).toMatch(/service manager {2}supervisord \d+\.\d+\S* of this machine\n/);
    },
  );

  demoTest(
    'shows the same with a service manager of its own where the PATH has no supervisord',
    async ({ newcomer }) => {
      expect(await showsEverything(newcomer.withoutSupervisor())).toMatch(
        /service manager {2}the demo's own little supervisor/,
      );
    },
  );

  demoTest('uses its own service manager where the supervisord of the machine does not start', async ({ newcomer }) => {
    const tools = join(newcomer.directory, 'broken');
    mkdirSync(tools);
    for (const name of ['supervisord', 'supervisorctl'])
      writeFileSync(join(tools, name), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    newcomer.environment['PATH'] = `${tools}:${newcomer.environment['PATH']}`;

    const { code, stdout } = await newcomer.demo('--color', 'always');

    expect(code).toBe(0);
    expect(stdout).toContain("the demo's own little supervisor (supervisord of this machine does not start)");
    expect(stdout).toContain('\u001b[31mROLLED BACK');
    expect(newcomer.leftFiles()).toEqual([]);
    expect(await newcomer.leftProcesses()).toEqual([]);
  });

  demoTest('says what went wrong where a scene does not go as it should, and cleans up', async ({ newcomer }) => {
    // A bin-proxy that reports success and does nothing.
    const idle = join(newcomer.directory, 'idle.cjs');
    writeFileSync(idle, "if (process.argv.includes('run')) process.exit(0);\n");
    newcomer.withoutSupervisor().environment['NODE_OPTIONS'] = `--require ${idle}`;

    const { code, stderr } = await newcomer.demo();

    expect(code).toBe(1);
    expect(stderr).toContain('bin-proxy demo: expected bin-proxy to say "updated", found ""');
    expect(newcomer.leftFiles()).toEqual([]);
    expect(await newcomer.leftProcesses()).toEqual([]);
  });

  demoTest.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'cleans up when it is ended by %s in the middle of a tick, also when that arrives twice',
    async ([signal, expected], { newcomer }) => {
      const { environment, temporary } = newcomer.withoutSupervisor();
      const child = spawn(process.execPath, [PROGRAM, 'demo'], {
        env: environment,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const ended = once(child, 'close');
      while (!text.includes('$ bin-proxy run')) await delay(50);
      while (!processesWith(`TMPDIR=${temporary}`).some(isTick)) await delay(20);
      child.kill(signal);
      child.kill(signal);

      expect((await ended)[0]).toBe(expected);
      expect(newcomer.leftFiles()).toEqual([]);
      expect(await newcomer.leftProcesses()).toEqual([]);
    },
  );
});

function isTick(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('run');
  } catch {
    return false;
  }
}
