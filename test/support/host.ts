import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../src/domain/outcome.ts';
import { ReleaseServer } from './release-server.ts';
import { Supervisord } from './supervisord.ts';

/** The program under test. `BIN_PROXY_TEST_PROGRAM` puts another build in its place: a mutant, a packed one. */
export const PROGRAM =
  process.env['BIN_PROXY_TEST_PROGRAM'] ?? new URL('../../bin/bin-proxy.js', import.meta.url).pathname;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RanTick extends Ran {
  readonly binaries: readonly Outcome[];
}

/** A host in a folder: its directories, a release server, a supervisord, and the real program run against them. */
export class Host {
  readonly directory = mkdtempSync(join(tmpdir(), 'bin-proxy-'));
  readonly binDir = join(this.directory, 'bin');
  readonly stateDir = join(this.directory, 'state');
  readonly manifest = join(this.directory, 'bin-manifests.json');
  readonly logFile = join(this.directory, 'bin-proxy.log');
  readonly lockFile = join(this.directory, 'run', 'lock');
  readonly supervisor = new Supervisord(this.directory);
  readonly server: ReleaseServer;
  /** What the program is started through, with its first arguments; empty: nothing. */
  launcher: readonly string[] = [];
  /** What it asks; undefined: its own release server. */
  api: string | undefined;
  /** The Node that runs the program; `BIN_PROXY_TEST_NODE` puts another one in its place. */
  node = process.env['BIN_PROXY_TEST_NODE'] ?? process.execPath;

  private constructor(server: ReleaseServer) {
    this.server = server;
    mkdirSync(this.binDir);
  }

  static async create(): Promise<Host> {
    return new Host(await ReleaseServer.start());
  }

  async remove(): Promise<void> {
    await this.supervisor.stop();
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.binDir, name);
  }

  install(name: string, bytes: Buffer): void {
    writeFileSync(this.path(name), bytes, { mode: 0o755 });
  }

  installed(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  inode(name: string): bigint {
    return statSync(this.path(name), { bigint: true }).ino;
  }

  manages(...entries: readonly (string | Record<string, unknown>)[]): void {
    const binaries = entries.map((entry) =>
      typeof entry === 'string' ? { name: entry, version: 'latest', currentMd5: '' } : { version: 'latest', ...entry },
    );
    writeFileSync(this.manifest, `${JSON.stringify({ binaries }, null, 2)}\n`);
  }

  manifestEntry(name: string): Record<string, unknown> | undefined {
    const { binaries } = JSON.parse(readFileSync(this.manifest, 'utf8')) as { binaries: Record<string, unknown>[] };
    return binaries.find((entry) => entry['name'] === name);
  }

  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      BIN_PROXY_CONFIG: this.#emptyConfig(),
      BIN_MANAGER_API: this.api ?? this.server.api,
      BIN_DIR: this.binDir,
      BIN_MANIFESTS: this.manifest,
      LOG_FILE: this.logFile,
      BIN_PROXY_STATE_DIR: this.stateDir,
      BIN_PROXY_LOCK_FILE: this.lockFile,
      BIN_PROXY_STABLE_SECONDS: '3',
      BIN_PROXY_SUPERVISOR_CONF: this.supervisor.configuration,
      ...more,
    };
  }

  /** Installs a program and runs it under supervisord as a service of the same name. */
  async runs(name: string, bytes: Buffer, options: readonly string[] = []): Promise<void> {
    this.install(name, bytes);
    this.supervisor.program({ name, command: this.path(name), options });
    await this.supervisor.start();
    await this.supervisor.untilState(name, 'RUNNING');
  }

  /** Whether the running process executes what is installed now. */
  async runsInstalled(name: string, process = name): Promise<boolean> {
    const pid = await this.supervisor.pid(process);
    // It may have ended since.
    return pid > 0 && statSync(`/proc/${pid}/exe`, { bigint: true, throwIfNoEntry: false })?.ino === this.inode(name);
  }

  /** The record of a binary, or undefined. */
  record(name: string): Record<string, unknown> | undefined {
    const file = join(this.stateDir, 'binaries', `${name}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : undefined;
  }

  /** What is left of updates in progress: staged files and a journal. */
  leftovers(): readonly string[] {
    const staging = join(this.binDir, '.bin-proxy', 'staging');
    const staged = existsSync(staging) ? readdirSync(staging) : [];
    return existsSync(join(this.stateDir, 'journal.json')) ? [...staged, 'journal.json'] : staged;
  }

  backups(name: string): readonly string[] {
    const backups = join(this.binDir, '.bin-proxy', 'backups', name);
    return existsSync(backups) ? readdirSync(backups) : [];
  }

  /** Runs the real program to its end. */
  async run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const [file = this.node, ...before] = [...this.launcher, this.node, PROGRAM, ...args];
    return runProgram(file, before, this.environment(more));
  }

  /** One tick, as JSON. */
  async tick(args: readonly string[] = [], more: Readonly<Record<string, string>> = {}): Promise<RanTick> {
    const ran = await this.run(['run', '--json', ...args], more);
    const document = ran.stdout === '' ? { binaries: [] } : (JSON.parse(ran.stdout) as { binaries: Outcome[] });
    return { ...ran, binaries: document.binaries };
  }

  /** The settings of a run whose supervisorctl is a script of somebody's own, which does this when it is to do `action`. */
  whereSupervisorctl(action: string, commands: string): Readonly<Record<string, string>> {
    const folder = join(this.directory, 'tools');
    const path = process.env['PATH'] ?? '';
    const lines = [
      '#!/bin/sh',
      `PATH='${path}'`,
      `case " $* " in *" ${action} "*) ${commands} ;; esac`,
      'exec supervisorctl "$@"',
    ];
    mkdirSync(folder);
    writeFileSync(join(folder, 'supervisorctl'), `${lines.join('\n')}\n`, { mode: 0o755 });
    return { PATH: `${folder}:${path}` };
  }

  /** What holds the lock for a run that was killed ends a moment after it. */
  async untilUnlocked(): Promise<void> {
    await once(spawn('flock', [this.lockFile, 'true'], { stdio: 'ignore' }), 'exit');
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  history(): readonly Record<string, unknown>[] {
    const text = readFileSync(join(this.stateDir, 'history.jsonl'), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  #emptyConfig(): string {
    const file = join(this.directory, 'config');
    if (!existsSync(file)) writeFileSync(file, '');
    return file;
  }
}

/** Runs a program with exactly this environment, without a terminal, as cron does. */
export async function runProgram(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ran> {
  const child = spawn(file, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (stream: NodeJS.ReadableStream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString('utf8');
  };
  const stdout = read(child.stdout);
  const stderr = read(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: stdout(), stderr: stderr() };
}
