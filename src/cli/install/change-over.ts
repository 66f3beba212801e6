import { RunError } from '../../domain/errors.ts';
import { runCommand } from '../../platform/command.ts';
import { printableText } from '../../platform/text.ts';
import { shippedText } from '../shipped-files.ts';
import { textDigest } from './install-record.ts';
import { starterFiles } from './installed-files.ts';
import { type Done, removeFiles, type Site } from './site.ts';
import { type Starting, TIMER_LINK, timerIsOn } from './starting.ts';

const COMMAND_MS = 60_000;
const TIMER = 'bin-proxy.timer';

type Command = readonly [program: string, ...args: readonly string[]];
const ENABLE: readonly Command[] = [
  ['systemctl', 'daemon-reload'],
  ['systemctl', 'enable', '--now', TIMER],
];
export const DISABLE: readonly Command[] = [['systemctl', 'disable', '--now', TIMER]];

export interface ChangedOver {
  /** Programs that were run, or would be. */
  readonly commands: readonly Command[];
  /** Files that were removed, or would be. */
  readonly done: readonly Done[];
  /** It is off, and was left so: somebody has disabled it, or deleted its units. */
  readonly off?: 'timer';
  /** Why the new way does not start it; what started it before goes on. */
  readonly failure?: RunError;
  /** The same in a few words. */
  readonly trouble?: string;
}

/**
 * The new way begins before the old one ends: what goes wrong in between leaves a host that is started as before.
 * `written`: what was done about the files of the new way.
 */
export async function changeOver(starting: Starting, written: readonly Done[], site: Site): Promise<ChangedOver> {
  const isOff = isTurnedOff(starting, written);
  const starts = starting.starter === 'timer' && site.root === '/' && !isOff ? ENABLE : [];
  const started: CommandsRun = site.dry === 'yes' ? { commands: starts } : await runAll(starts);
  const { commands, trouble } = started;
  if (trouble !== undefined) return { commands, done: [], trouble, failure: notStarted(trouble, starting) };
  const stopped = starting.stops === 'nothing' ? [] : site.dry === 'yes' ? DISABLE : await stopTimer();
  if (starting.stops === 'timer' && site.dry === 'no' && (await timerIsOn(site.root)))
    return { commands, ...(await takenBack(written, site)) };
  const done = await removeFiles(starting.former, site);
  return { commands: [...commands, ...stopped], done, ...(isOff && site.root === '/' && { off: 'timer' }) };
}

/** What was deleted stays deleted, and what was disabled stays disabled: the timer begins where it is new or asked for. */
function isTurnedOff({ starter, enables }: Starting, written: readonly Done[]): boolean {
  if (starter !== 'timer') return false;
  const units = written.filter(({ path }) => starterFiles('timer').some(([unit]) => unit === path));
  if (units.some(({ action }) => action === 'skip')) return true;
  return enables === 'where-new' && !units.some(({ path, action }) => path.endsWith(TIMER) && action === 'write');
}

/** Cron and a timer that goes on would start it twice a minute: the file for cron goes again, if it is new. */
async function takenBack(
  written: readonly Done[],
  site: Site,
): Promise<Pick<ChangedOver, 'done' | 'failure' | 'trouble'>> {
  const isNew = (path: string) => written.some((one) => one.path === path && one.action === 'write');
  const files = starterFiles('cron').filter(([path]) => isNew(path));
  const done = await removeFiles(new Map(files.map(([path, name]) => [path, textDigest(shippedText(name))])), site);
  const [gone] = done;
  const left = gone === undefined ? '' : `; ${gone.path} was removed again`;
  const trouble = `${TIMER_LINK} could not be disabled, and would start bin-proxy beside cron${left}`;
  const failure = new RunError('refused', trouble, {
    hint: `End it first: systemctl disable --now ${TIMER}, or remove that link. Then repeat this`,
  });
  return { done, failure, trouble };
}

function notStarted(trouble: string, { replaces }: Starting): RunError {
  const starts = replaces === undefined ? 'nothing starts bin-proxy yet' : `${replaces} starts bin-proxy as before`;
  return new RunError('not-started', `the files are written, but the timer is not started: ${trouble}\n${starts}`, {
    hint: 'Does systemd run here? Then: bin-proxy install --timer; else: bin-proxy install --cron',
  });
}

/** Stops a timer, where there is one, and systemd: else a line on stderr, and never the end of what was asked for. */
export async function stopTimer(): Promise<readonly Command[]> {
  const { commands, trouble } = await runAll(DISABLE);
  if (trouble !== undefined) process.stderr.write(`bin-proxy: warning: ${printableText(trouble)}\n`);
  return commands;
}

interface CommandsRun {
  readonly commands: readonly Command[];
  /** What became of the first that did not succeed; the ones after it were not run. */
  readonly trouble?: string;
}

async function runAll(commands: readonly Command[]): Promise<CommandsRun> {
  for (const [index, command] of commands.entries()) {
    const [program, ...args] = command;
    const result = await runCommand(program, args, { timeoutMs: COMMAND_MS });
    if (result.kind === 'exited' && result.code === 0) continue;
    const told = result.kind === 'exited' || result.kind === 'killed' ? result.stderr.trim() : result.kind;
    return { commands: commands.slice(0, index), trouble: `${command.join(' ')}: ${told}` };
  }
  return { commands };
}
