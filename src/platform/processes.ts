import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import type { FileIdentity } from './files.ts';

/** What the kernel says about one process. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Field 22 of `/proc/PID/stat`: with the pid it names one process for ever, until the next boot. */
  readonly startTime: string;
}

/** What a process executes. */
export interface ExecutedFile extends FileIdentity {
  /** As the kernel prints it, with ` (deleted)` where the file was replaced. */
  readonly path: string;
  readonly argv: readonly string[];
}

/** The facts about a live process; undefined where it is gone or a zombie. */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  const text = await quietly(readFile(`/proc/${pid}/stat`, 'utf8'));
  if (text === undefined) return undefined;
  // The program's name stands in parentheses and may itself contain blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, startTime] = [fields[0], fields[1], fields[19]];
  if (state === undefined || parent === undefined || startTime === undefined || 'ZX'.includes(state)) return undefined;
  return { pid, parent: Number(parent), startTime };
}

/** Changes with every boot, and with it every pid. */
export async function bootId(): Promise<string> {
  return ((await quietly(readFile('/proc/sys/kernel/random/boot_id', 'utf8'))) ?? '').trim();
}

/** The process and all its descendants. */
export async function processTree(root: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    const facts = /^\d+$/.test(name) ? await processFacts(Number(name)) : undefined;
    if (facts !== undefined) parents.set(facts.pid, facts.parent);
  }
  const tree = [root];
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid && !tree.includes(child)) tree.push(child);
  }
  return tree;
}

/** A process with its arguments. */
export interface CommandLine {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** Of every process of root and of this user: what others run proves nothing. */
export async function commandLines(): Promise<readonly CommandLine[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const owner = (await quietly(stat(`/proc/${pid}`)))?.uid;
      return { pid, argv: owner === 0 || owner === process.getuid?.() ? await argumentsOf(pid) : [] };
    }),
  );
  return lines.filter(({ argv }) => argv.length > 0);
}

/** Stands in the environment of what this program starts, with the pid of the one that has started it. */
export const STARTED_BY = 'BIN_PROXY_STARTED_BY';

/** Whether a process was started by this program, in a process that is no more: it has another parent now. */
export async function isLeftBehind(pid: number): Promise<boolean> {
  const environment = (await quietly(readFile(`/proc/${pid}/environ`, 'utf8'))) ?? '';
  const starter = environment.split('\0').find((one) => one.startsWith(`${STARTED_BY}=`));
  const facts = starter === undefined ? undefined : await processFacts(pid);
  return facts !== undefined && starter !== `${STARTED_BY}=${facts.parent}`;
}

async function argumentsOf(pid: number): Promise<readonly string[]> {
  const text = (await quietly(readFile(`/proc/${pid}/cmdline`, 'utf8'))) ?? '';
  return text.split('\0').filter((argument) => argument !== '');
}

/** The inode a process executes, also after that file was replaced on disk; undefined where it may not be seen. */
export async function executedFile(pid: number): Promise<ExecutedFile | undefined> {
  const link = `/proc/${pid}/exe`;
  const [stats, path, argv] = await Promise.all([
    quietly(stat(link, { bigint: true })),
    quietly(readlink(link)),
    argumentsOf(pid),
  ]);
  if (stats === undefined || path === undefined) return undefined;
  return { dev: stats.dev, ino: stats.ino, path, argv };
}

/** A process may end between two reads, and kernel threads have nothing to read: both are answers, not errors. */
async function quietly<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    return undefined;
  }
}
