import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import lockfile from 'proper-lockfile';
import { errorText, RunError, systemCode } from '../domain/errors.ts';
import { commandPath } from './command.ts';
import { isNoSpace, placeTrouble } from './file-trouble.ts';
import { makeDirectories, writeDurably } from './files.ts';
import type { LockOwner } from './lock-owner.ts';
import { lockOwner, ourselves, ownerText } from './lock-owner.ts';
import { lockDirectory, ownerFile } from './lock-place.ts';

/** flock's exit code for "somebody else has it". */
const BUSY = 1;
const STALE_MS = 60_000;
const UPDATE_MS = 5_000;
const RELEASE_MS = 2_000;

/**
 * Node ignores this signal, so that a file that may not grow (ulimit -f) is an error like any other. A library of
 * proper-lockfile's listens to it and ends the process, unless somebody else listens as well.
 */
process.on('SIGXFSZ', () => {});

export interface Lock {
  /** Aborted when the lock is lost: no further live step may be taken (invariant 11). */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Takes the host-wide lock, or throws {@link RunError} `lock-held` at once.
 *
 * The mutex is flock(2): the kernel frees it when its holder dies, so `kill -9` costs nothing and no clock can make it
 * stale. It is held by a child (`flock … cat`) that ends when our end of its stdin closes. Under it, proper-lockfile's
 * directory tells programs without flock that somebody is here; one left behind by a dead run is an orphan by
 * definition, since we hold the mutex. The owner file stands beside the lock: inside the directory it would make it
 * impossible to remove. `program` is how the holder calls itself there.
 */
export async function takeLock(file: string, now: Date, program = 'bin-proxy'): Promise<Lock> {
  await prepare(file);
  const holder = await holdMutex(file);
  const controller = new AbortController();
  const lose = (why: string) => controller.abort(new RunError('lock-lost', `the lock ${file} was lost: ${why}`));
  holder.once('exit', () => lose('its helper process ended'));
  try {
    await rm(lockDirectory(file), { recursive: true, force: true });
    const unlock = await courtesy(holdDirectory(file, lose));
    await courtesy(tellOwner(file, await ourselves(now, program)));
    return { lost: controller.signal, release: () => release(file, holder, unlock ?? (async () => {})) };
  } catch (error) {
    holder.removeAllListeners('exit');
    holder.stdin?.end();
    throw lockTrouble(file, error);
  }
}

async function holdDirectory(file: string, lose: (why: string) => void): Promise<() => Promise<void>> {
  return lockfile.lock(file, {
    realpath: false,
    lockfilePath: lockDirectory(file),
    stale: STALE_MS,
    update: UPDATE_MS,
    retries: 0,
    onCompromised: (error) => lose(error.message),
  });
}

async function tellOwner(file: string, owner: LockOwner): Promise<void> {
  await rm(ownerFile(file), { force: true });
  await writeDurably(ownerFile(file), `${JSON.stringify(owner)}\n`, 0o644);
}

/** What only tells others of the lock. The mutex needs no room, so a full /run must not keep a rollback from being made. */
async function courtesy<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isNoSpace(error)) return undefined;
    throw error;
  }
}

async function prepare(file: string): Promise<void> {
  try {
    await makeDirectories(dirname(file), 0o700);
    await (await open(file, 'a', 0o600)).close();
  } catch (error) {
    throw lockTrouble(file, error);
  }
}

/** Starts the helper and waits until it says that it holds the mutex. */
async function holdMutex(file: string): Promise<ChildProcess> {
  const holder = spawn('flock', ['-n', file, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    cwd: '/',
    env: { PATH: commandPath() },
    stdio: ['pipe', 'pipe', 'ignore'],
    // A terminal's Ctrl-C goes to the whole process group; the lock must outlive it until we have cleaned up.
    detached: true,
  });
  // Writing to a helper that has ended is no news: its exit is.
  holder.stdin?.on('error', () => {});
  const outcome = await Promise.race([
    once(holder.stdout ?? holder, 'data').then(() => 'held' as const),
    once(holder, 'exit').then(([code]) => Number(code)),
    once(holder, 'error').then(([error]) => error as Error),
  ]).catch((error: unknown) => error as Error);
  if (outcome === 'held') {
    // The lock must not keep the process alive: when we end, stdin closes and the helper with it.
    holder.unref();
    holder.stdout?.destroy();
    (holder.stdin as Socket | null)?.unref();
    return holder;
  }
  if (outcome === BUSY) throw await busy(file);
  const cause = outcome instanceof Error ? outcome : new Error(`flock exited with ${outcome}`);
  throw new RunError('no-permission', `cannot lock ${file}: ${errorText(cause)}`, {
    cause,
    hint:
      systemCode(cause) === 'ENOENT'
        ? 'Install flock (package util-linux).'
        : 'Run as root, or set BIN_PROXY_LOCK_FILE.',
  });
}

/**
 * What was lost may be another's by now, and is left alone. What only tells others of the lock may stay where it cannot
 * be removed: nobody takes the word of an owner who has died.
 */
async function release(file: string, holder: ChildProcess, unlock: () => Promise<void>): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  holder.removeAllListeners('exit');
  await unlock().catch(() => {});
  await rm(ownerFile(file), { force: true }).catch(() => {});
  const ended = once(holder, 'exit');
  holder.ref();
  holder.stdin?.end();
  // One that somebody has suspended would keep this run, and the lock, for ever. It has nothing to finish.
  const timer = setTimeout(() => killGroup(holder), RELEASE_MS);
  await ended;
  clearTimeout(timer);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function busy(file: string): Promise<RunError> {
  const owner = await lockOwner(file).catch(() => undefined);
  const by = owner === undefined ? 'another run' : ownerText(owner);
  return new RunError('lock-held', `the lock ${file} is held by ${by}`, {
    hint: 'Wait for it to end; "bin-proxy unlock" shows who holds it.',
  });
}

function lockTrouble(file: string, error: unknown): unknown {
  if (error instanceof RunError) return error;
  return placeTrouble(error, `cannot lock ${file}`, 'BIN_PROXY_LOCK_FILE');
}
