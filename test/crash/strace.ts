import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM } from '../support/host.ts';

/**
 * Calls that change what is on disk. Not listed: open(2) with O_CREAT and write(2), which Node also makes by the
 * hundred while it starts; what they leave is what the listed call before them left, plus an unfinished temporary file.
 */
export const MUTATING = [
  ...[
    'rename',
    'renameat',
    'renameat2',
    'link',
    'linkat',
    'unlink',
    'unlinkat',
    'symlink',
    'mkdir',
    'mkdirat',
    'rmdir',
  ],
  ...[
    'fsync',
    'fdatasync',
    'pwrite64',
    'ftruncate',
    'fchmod',
    'fchmodat',
    'chmod',
    'chown',
    'fchown',
    'fchownat',
    'utimensat',
  ],
] as const;

/** The n-th call of one name: the place at which a run is struck, before the call has happened. */
export interface Point {
  readonly call: string;
  readonly nth: number;
}

export function pointText({ call, nth }: Point): string {
  return `${call} #${nth}`;
}

/** So many points, evenly spread: the middle one of each of so many parts. */
export function sample(points: readonly Point[], count: number): readonly Point[] {
  if (points.length <= count) return points;
  const part = points.length / count;
  return Array.from({ length: count }, (_, index) => points[Math.floor((index + 0.5) * part)]).flatMap(
    (point) => point ?? [],
  );
}

/** What strikes a run at a point: death, or an error of the call. */
export type Strike = { readonly kind: 'kill' } | { readonly kind: 'error'; readonly code: string };

/** strace counts a call per thread; with one thread in the pool every file operation is made by the same one. */
const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' };
/** Children are let go when they start a program of their own: they have calls of the same names. */
const FOLLOW = ['-f', '-b', 'execve', '-qq', '-e', 'signal=none'];

type Settings = Readonly<Record<string, string>>;

/** Where the program runs: a host, or whatever else gives it an environment. */
export interface Scene {
  /** Default: bin-proxy. */
  readonly program?: string;
  environment(settings: Settings): Record<string, string>;
}

interface Traced {
  readonly args: readonly string[];
  readonly settings: Settings;
}

export interface Struck extends Traced {
  readonly point: Point;
  readonly strike: Strike;
}

/** Every point of a run that is left to end by itself. */
export async function pointsOf(scene: Scene, traced: Traced): Promise<readonly Point[]> {
  const counts = new Map<string, number>();
  for (const { thread, call } of await callsOf(scene, { ...traced, trace: MUTATING })) {
    const key = `${thread} ${call}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const most = new Map<string, number>();
  for (const [key, count] of counts) {
    const call = key.split(' ')[1] ?? '';
    most.set(call, Math.max(most.get(call) ?? 0, count));
  }
  return [...most].flatMap(([call, count]) => Array.from({ length: count }, (_, index) => ({ call, nth: index + 1 })));
}

/** One call of a run, as strace writes it; a descriptor stands with its path: `fsync(21</etc/hosts>)`. */
export interface Call {
  readonly thread: string;
  readonly call: string;
  readonly line: string;
}

/** Calls of a run that is left to end by itself, in their order. */
export async function callsOf(
  scene: Scene,
  { trace, args, settings }: Traced & { readonly trace: readonly string[] },
): Promise<readonly Call[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bin-proxy-strace-'));
  try {
    const file = join(directory, 'trace');
    await traced(scene, ['-y', '-s', '4096', '-e', `trace=${trace.join(',')}`, '-o', file], { args, settings });
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
        return thread === undefined || call === undefined ? [] : [{ thread, call, line }];
      });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Runs the program and strikes it at the point. Returns its exit code as a shell would: 137 where it was killed. */
export async function struck(scene: Scene, { args, settings, point, strike }: Struck): Promise<number> {
  const what = strike.kind === 'kill' ? 'signal=KILL' : `error=${strike.code}`;
  const inject = `inject=${point.call}:${what}:when=${point.nth}`;
  return traced(scene, ['-e', `trace=${point.call}`, '-e', inject, '-o', '/dev/null'], { args, settings });
}

async function traced(scene: Scene, options: readonly string[], { args, settings }: Traced): Promise<number> {
  const child = spawn('strace', [...FOLLOW, ...options, process.execPath, scene.program ?? PROGRAM, ...args], {
    env: scene.environment({ ...settings, ...ONE_THREAD }),
    stdio: 'ignore',
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  // strace ends the way its program did.
  return code ?? (signal === 'SIGKILL' ? 137 : 1);
}
