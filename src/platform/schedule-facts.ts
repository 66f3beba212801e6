import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RunCommand } from './command.ts';
import { readText } from './files.ts';
import type { Schedule } from './schedule.ts';

/** What cron gives a job where its file does not say: crontab(5). */
const CRONS_OWN = '/usr/bin:/bin';
/** systemd.exec(5). */
const SYSTEMDS_OWN = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CRONS: ReadonlySet<string> = new Set(['cron', 'crond', 'fcron', 'busybox']);
const ASK_MS = 4_000;
const TAIL_BYTES = 256 * 1024;

export type Scheduler = 'cron' | 'systemd';

export function schedulerOf({ file }: Schedule): Scheduler {
  return file.endsWith('.timer') ? 'systemd' : 'cron';
}

/** Where a schedule looks for programs. */
export async function pathOf(schedule: Schedule): Promise<string> {
  if (schedulerOf(schedule) === 'systemd') return SYSTEMDS_OWN;
  const text = await readFile(schedule.file, 'utf8');
  const lines = text.split('\n').flatMap((line) => /^\s*PATH\s*=\s*["']?([^"']*)["']?\s*$/.exec(line)?.[1] ?? []);
  return lines.at(-1) ?? CRONS_OWN;
}

/** Whether the schedule names the program by its whole path, and it is there. */
export async function isAbsoluteIn({ file }: Schedule, program: string): Promise<boolean> {
  const text = await readFile(file, 'utf8');
  const named = new RegExp(`(/\\S*)/${program}\\b run`).exec(text)?.[1];
  return named !== undefined && (await findProgram(program, named)) !== undefined;
}

/** The first directory of a path in which a program lies that may be executed. */
export async function findProgram(program: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(':')) {
    const file = join(directory, program);
    const stats = await stat(file).catch(() => undefined);
    if (stats?.isFile() === true && (stats.mode & 0o111) !== 0) return file;
  }
  return undefined;
}

/** Why cron does not read a file, or reads it in vain: it says so to nobody (cron(8), crontab(5)). */
export async function ignoredCrontabs(program: string, root = '/'): Promise<ReadonlyMap<string, string>> {
  const folder = join(root, 'etc/cron.d');
  const ignored = new Map<string, string>();
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const text = await readFile(file, 'utf8').catch(() => '');
    if (!new RegExp(`^[^#\\n]*\\b${program} run\\b`, 'm').test(text) || /\.(dpkg-\w+|rpm\w+)$|~$/.test(name)) continue;
    const why = await whyIgnored(file, text);
    if (why !== undefined) ignored.set(file, why);
  }
  return ignored;
}

async function whyIgnored(file: string, text: string): Promise<string | undefined> {
  if (!/^[\w-]+$/.test(basename(file))) return 'its name has a dot in it';
  const { uid, mode } = await stat(file);
  if (uid !== 0) return `it belongs to user ${uid}, expected root`;
  if ((mode & 0o022) !== 0) return 'others than root may write it';
  return text.endsWith('\n') ? undefined : 'its last line does not end with a newline';
}

/** Whether the program that would read the schedules runs, as far as this process sees others. */
export async function isSchedulerRunning(scheduler: Scheduler): Promise<boolean> {
  if (scheduler === 'systemd') return (await stat('/run/systemd/system').catch(() => undefined)) !== undefined;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const name = (await readText(`/proc/${pid}/comm`).catch(() => undefined)) ?? '';
    if (CRONS.has(name.trim())) return true;
  }
  return false;
}

/**
 * When the schedule last began a run, as its scheduler has noted it: an idle run itself leaves no trace. Undefined where
 * nobody knows, or nobody who may be asked.
 */
export async function lastBegun(schedule: Schedule, now: Date, run: RunCommand): Promise<Date | undefined> {
  if (schedulerOf(schedule) === 'systemd') {
    const asked = ['show', '--timestamp=unix', '--property=LastTriggerUSec', '--value', basename(schedule.file)];
    const shown = await run('systemctl', asked, { timeoutMs: ASK_MS });
    const seconds = shown.kind === 'exited' ? /^@(\d+)/.exec(shown.stdout)?.[1] : undefined;
    return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
  }
  for (const file of ['/var/log/cron.log', '/var/log/cron', '/var/log/syslog', '/var/log/messages']) {
    const line = (await endOf(file)).findLast(isCronsWord);
    const time = line === undefined ? undefined : timeOf(line, now);
    if (time !== undefined) return time;
  }
  return inJournal(run);
}

async function inJournal(run: RunCommand): Promise<Date | undefined> {
  const asked = ['--quiet', '--no-pager', '--output=short-iso', '--lines=500', '_COMM=cron', '+', '_COMM=crond'];
  const shown = await run('journalctl', asked, { timeoutMs: ASK_MS });
  if (shown.kind !== 'exited') return undefined;
  const line = shown.stdout.split('\n').findLast(isCronsWord);
  return line === undefined ? undefined : timeOf(line, new Date());
}

function isCronsWord(line: string): boolean {
  return /cron/i.test(line) && /\bCMD \(.*\bbin-proxy\b/.test(line);
}

/** RFC 3339, or the older `Nov 21 08:15:01`, which names no year and is of this zone. */
function timeOf(line: string, now: Date): Date | undefined {
  const modern = Date.parse(line.split(' ')[0] ?? '');
  if (line.startsWith('2') && !Number.isNaN(modern)) return new Date(modern);
  const old = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/.exec(line)?.[0];
  if (old === undefined) return undefined;
  const time = new Date(`${old} ${now.getFullYear()}`);
  if (time.getTime() > now.getTime() + 86_400_000) time.setFullYear(time.getFullYear() - 1);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

async function endOf(file: string): Promise<readonly string[]> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8', 0, bytesRead).split('\n');
    } finally {
      await handle.close();
    }
  } catch {
    return [];
  }
}
