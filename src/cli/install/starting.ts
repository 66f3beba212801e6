import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { RunError } from '../../domain/errors.ts';
import { orUndefined } from '../../platform/files.ts';
import { schedulesOf } from '../../platform/schedule.ts';
import type { Invocation } from '../command-line.ts';
import { shippedText } from '../shipped-files.ts';
import { digestAt, textDigest, type Written } from './install-record.ts';
import { type Starter, starterFiles } from './installed-files.ts';

/** How a host starts the program each minute once all is written. Exactly one way: two would tick side by side. */
export interface Starting {
  /** Absent: a schedule of the operator's own does, and stays. */
  readonly starter: Starter | undefined;
  /** What was asked for by its flag is written also where it was deleted once. */
  readonly asked: readonly string[];
  /** That schedule: its file on the host. */
  readonly own: readonly string[];
  /** The schedule whose place it takes. */
  readonly replaces?: string;
  /** Files of the other way, with the digest each of them may be removed with. */
  readonly former: ReadonlyMap<string, string>;
  /** Whether a timer is there to be stopped. */
  readonly stops: 'timer' | 'nothing';
  /** Whether the timer is enabled also where its units are no news: else it is off because somebody wants it so. */
  readonly enables: 'always' | 'where-new';
}

const CRON_FILE = '/etc/cron.d/bin-proxy';
/** systemd reads the link at boot. */
export const TIMER_LINK = '/etc/systemd/system/timers.target.wants/bin-proxy.timer';
const SCHEDULES: ReadonlyMap<string, Starter> = new Map([
  [CRON_FILE, 'cron'],
  [TIMER_LINK, 'timer'],
]);

/**
 * What is asked for; else what is there; else what this host has. Changes nothing. Throws {@link RunError} `refused`
 * where another schedule would go on beside it that nobody but the operator may end.
 */
export async function chooseStarting({ wishes }: Invocation, before: Written, root: string): Promise<Starting> {
  const asked = askedFor(wishes);
  const active = await activeSchedules(root);
  if (asked === undefined && active.length > 1) throw several(active);
  const [only] = active;
  if (asked === undefined && isOwn(only)) return ownSchedule(only);
  const starter = asked ?? (await foundStarter(only, before, root));
  const former = await formerFiles(starter === 'cron' ? 'timer' : 'cron', before, root);
  const ends = await endsByItself(starter, former, root);
  mustBeAlone(
    starter,
    active.filter((file) => file !== ends),
  );
  const replaces = active.find((file) => file === ends);
  const isTimer = starter === 'cron' && (replaces !== undefined || former.size > 0);
  return {
    starter,
    asked: asked === undefined ? [] : starterFiles(asked).map(([path]) => path),
    own: [],
    ...(replaces !== undefined && { replaces }),
    former,
    stops: isTimer && root === '/' ? 'timer' : 'nothing',
    enables: asked === 'timer' || active.includes(TIMER_LINK) ? 'always' : 'where-new',
  };
}

/** Whether systemd starts a timer at boot. */
export async function timerIsOn(root: string): Promise<boolean> {
  return (await activeSchedules(root)).includes(TIMER_LINK);
}

/** Files on the host, each of them once. */
async function activeSchedules(root: string): Promise<readonly string[]> {
  const schedules = await schedulesOf('bin-proxy', new Date(), root);
  return [...new Set(schedules.map(({ file }) => join('/', relative(root, file))))];
}

function isOwn(file: string | undefined): file is string {
  return file !== undefined && !SCHEDULES.has(file);
}

function mustBeAlone(starter: Starter, active: readonly string[]): void {
  for (const file of active) if (SCHEDULES.get(file) !== starter) throw twice(file, starter);
}

function ownSchedule(file: string): Starting {
  return { starter: undefined, asked: [], own: [file], former: new Map(), stops: 'nothing', enables: 'where-new' };
}

function askedFor(wishes: Invocation['wishes']): Starter | undefined {
  if (wishes['cron'] !== undefined && wishes['timer'] !== undefined)
    throw new RunError('usage', 'expected --cron or --timer, found both: bin-proxy would be started twice a minute');
  return wishes['cron'] !== undefined ? 'cron' : wishes['timer'] !== undefined ? 'timer' : undefined;
}

async function foundStarter(active: string | undefined, before: Written, root: string): Promise<Starter> {
  if (active !== undefined) return active === CRON_FILE ? 'cron' : 'timer';
  const isThere = async (path: string) => (await orUndefined(stat(join(root, path)))) !== undefined;
  for (const starter of ['cron', 'timer'] as const)
    for (const [path] of starterFiles(starter)) if (before.has(path) || (await isThere(path))) return starter;
  return root === '/' && (await isThere('/run/systemd/system')) ? 'timer' : 'cron';
}

/** Those of a way that `install` wrote, and those with the shipped text: whoever copied them here has edited nothing. */
async function formerFiles(starter: Starter, before: Written, root: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const [path, name] of starterFiles(starter)) {
    const found = await digestAt(join(root, path));
    const shipped = textDigest(shippedText(name));
    const written = found === shipped ? shipped : before.get(path);
    if (found !== undefined && written !== undefined) files.set(path, written);
  }
  return files;
}

/** A timer can be disabled, whosever it is; a crontab goes with its file, which nobody may have edited. */
async function endsByItself(
  starter: Starter,
  former: ReadonlyMap<string, string>,
  root: string,
): Promise<string | undefined> {
  if (starter === 'cron') return root === '/' ? TIMER_LINK : undefined;
  const written = former.get(CRON_FILE);
  return written !== undefined && (await digestAt(join(root, CRON_FILE))) === written ? CRON_FILE : undefined;
}

function several(active: readonly string[]): RunError {
  return new RunError('refused', `more than one schedule starts bin-proxy here: ${active.join(', ')}`, {
    hint: 'Nothing was changed. Remove all but one, or say what is to stay: bin-proxy install --cron, or --timer',
  });
}

function twice(rival: string, starter: Starter): RunError {
  const what = starter === 'cron' ? `with ${CRON_FILE}` : 'with the timer';
  const edited = rival === CRON_FILE ? ', and was edited here' : '';
  return new RunError('refused', `${rival} starts bin-proxy already${edited}; ${what} it would run twice a minute`, {
    hint: 'Nothing was changed. Take its line out first; or leave it as it is: bin-proxy install',
  });
}
