import { readFile, stat } from 'node:fs/promises';
import { errorText, RunError } from '../domain/errors.ts';
import { readText } from './files.ts';
import { ownerFile } from './lock-place.ts';
import { bootId, executedFile, processFacts } from './processes.ts';

/** Characters: enough to know a program by. */
const MOST_OF_COMMAND = 60;

/** Who holds the lock; written beside it, never trusted without proof. */
export interface LockOwner {
  readonly pid: number;
  /** With the pid it names one process: pids are reused. */
  readonly startTime: string;
  readonly bootId: string;
  /** Absent where it could not be noted. */
  readonly since?: string;
  readonly command: string;
}

/** Who holds the lock now; undefined where nobody does. Leftovers of a dead run are nobody. */
export async function lockOwner(file: string): Promise<LockOwner | undefined> {
  const owner = parseOwner(await readOwner(ownerFile(file)));
  if (owner === undefined || owner.bootId !== (await bootId())) return unnotedOwner(file);
  const facts = await processFacts(owner.pid);
  return facts?.startTime === owner.startTime ? owner : unnotedOwner(file);
}

/** One that could not leave its name (a full /run) is known to the kernel: by its helper, which holds the mutex. */
async function unnotedOwner(file: string): Promise<LockOwner | undefined> {
  const helper = await holderOf(file);
  const pid = helper === undefined ? undefined : (await processFacts(helper))?.parent;
  const facts = pid === undefined ? undefined : await processFacts(pid);
  if (facts === undefined || facts.pid === 1) return undefined;
  const { argv = [] } = (await executedFile(facts.pid)) ?? {};
  return { pid: facts.pid, startTime: facts.startTime, bootId: await bootId(), command: argv.join(' ') };
}

/** Who holds the flock(2) of a file, by `/proc/locks`; undefined also where that file system is not told apart there. */
async function holderOf(file: string): Promise<number | undefined> {
  try {
    const { dev, ino } = await stat(file, { bigint: true });
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
    const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
    const place = [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
    const locks = await readFile('/proc/locks', 'utf8');
    const pid = new RegExp(`FLOCK +ADVISORY +WRITE (\\d+) ${place}:${ino} `).exec(locks)?.[1];
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}

async function readOwner(file: string): Promise<string | undefined> {
  try {
    return await readText(file);
  } catch (error) {
    throw new RunError('no-permission', `cannot read ${file}: ${errorText(error)}`, {
      cause: error,
      hint: 'Run as root.',
    });
  }
}

export function ownerText(owner: LockOwner): string {
  const since = owner.since === undefined ? '' : ` since ${owner.since.slice(0, 19).replace('T', ' ')}Z`;
  const { command } = owner;
  const shown = command.length <= MOST_OF_COMMAND ? command : `${command.slice(0, MOST_OF_COMMAND - 1)}…`;
  return `pid ${owner.pid}${since}, command "${shown}"`;
}

/** This process as the owner of a lock; `program` is how it calls itself there. */
export async function ourselves(now: Date, program: string): Promise<LockOwner> {
  const facts = await processFacts(process.pid);
  return {
    pid: process.pid,
    startTime: facts?.startTime ?? '',
    bootId: await bootId(),
    since: now.toISOString(),
    command: [program, ...process.argv.slice(2)].join(' '),
  };
}

function parseOwner(text: string | undefined): LockOwner | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<LockOwner> | null;
    const { pid, startTime, bootId: boot, since, command } = value ?? {};
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof boot !== 'string') return undefined;
    return { pid, startTime, bootId: boot, ...(since !== undefined && { since }), command: command ?? 'unknown' };
  } catch {
    return undefined;
  }
}
