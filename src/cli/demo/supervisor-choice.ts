import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { commandPath } from '../../platform/command.ts';
import type { DemoFolder } from './demo-folder.ts';
import { ownProgram } from './own-program.ts';
import { installStandIn } from './stand-in.ts';

const run = promisify(execFile);
const READY_MS = 10_000;
const POLL_MS = 100;
const KILL_AFTER_MS = 5_000;

/** The service manager of the demo, running. */
export interface DemoSupervisor {
  /** For a person. */
  readonly label: string;
  /** The PATH on which `supervisorctl` is its own. */
  readonly path: string;
  stop(): Promise<void>;
}

/** supervisor where this PATH has it and it starts; else the demo's own stand-in, under the same names. */
export async function startSupervisor(folder: DemoFolder, signal: AbortSignal): Promise<DemoSupervisor> {
  writeFileSync(folder.supervisorConf, supervisorConf(folder));
  const inherited = process.env['PATH'] ?? '';
  const own = `the demo's own little supervisor`;
  if (!isOn(inherited, 'supervisord') || !isOn(inherited, 'supervisorctl')) {
    return startStandIn(folder, { label: `${own} (this machine's PATH has no supervisord)`, signal });
  }
  try {
    const { stdout } = await run('supervisord', ['--version'], { signal });
    return await start(folder, {
      label: `supervisord ${stdout.trim()} of this machine`,
      path: commandPath(inherited),
      signal,
    });
  } catch {
    signal.throwIfAborted();
    return startStandIn(folder, { label: `${own} (supervisord of this machine does not start)`, signal });
  }
}

interface StandIn {
  readonly label: string;
  readonly signal: AbortSignal;
}

async function startStandIn(folder: DemoFolder, { label, signal }: StandIn): Promise<DemoSupervisor> {
  installStandIn(folder.toolsDir, ownProgram());
  return start(folder, {
    label,
    path: commandPath(`${folder.toolsDir}${delimiter}${process.env['PATH'] ?? ''}`),
    signal,
  });
}

async function start(folder: DemoFolder, { label, path, signal }: StandIn & { path: string }): Promise<DemoSupervisor> {
  const environment = { ...process.env, PATH: path };
  const child = spawn('supervisord', ['-n', '-c', folder.supervisorConf], {
    cwd: folder.path,
    env: environment,
    stdio: 'ignore',
    // Ctrl-C must reach it through us, and not before bin-proxy has ended.
    detached: true,
  });
  let trouble: string | undefined;
  child.once('error', (error) => (trouble = error.message));
  child.once('exit', (code, by) => (trouble ??= `it ended with ${code ?? by}`));
  const deadline = performance.now() + READY_MS;
  const ask = () =>
    run('supervisorctl', ['-c', folder.supervisorConf, 'status', 'hello'], { env: environment, signal });
  while (!(await ask().then(({ stdout }) => stdout, saidOnFailure)).startsWith('hello ')) {
    if (trouble === undefined && performance.now() > deadline) trouble = `no answer in ${READY_MS / 1000} s`;
    if (trouble !== undefined || signal.aborted) {
      await stop(child);
      signal.throwIfAborted();
      throw new Error(`the service manager could not be started: ${trouble}`);
    }
    await delay(POLL_MS);
  }
  return { label, path, stop: () => stop(child) };
}

/** Where a program is not running the exit code is not 0, and stdout still holds the answer. */
function saidOnFailure(error: unknown): string {
  return String((error as { readonly stdout?: string }).stdout ?? '');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await ended;
  clearTimeout(timer);
}

function supervisorConf({ path, socket, binDir, serviceLog }: DemoFolder): string {
  return `[unix_http_server]
file=${socket}
chmod=0700

[supervisord]
nodaemon=true
logfile=${join(path, 'supervisord.log')}
pidfile=${join(path, 'supervisord.pid')}
childlogdir=${path}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://${socket}

[program:hello]
command=${join(binDir, 'hello')}
autorestart=true
startsecs=1
startretries=1
stopasgroup=true
killasgroup=true
stopwaitsecs=3
stdout_logfile=${serviceLog}
redirect_stderr=true
`;
}

function isOn(path: string, program: string): boolean {
  return path.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return directory !== '';
    } catch {
      return false;
    }
  });
}
