import { resolve } from 'node:path';
import { RunError } from '../../domain/errors.ts';
import { runCommand } from '../../platform/command.ts';
import { placeTrouble } from '../../platform/file-trouble.ts';
import { printableText } from '../../platform/text.ts';
import type { Invocation } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
import { terminal } from '../terminal.ts';
import { InstallRecord } from './install-record.ts';
import { wantedFiles } from './installed-files.ts';
import { reportInstall } from './report-install.ts';
import { type Done, removeFiles, type Site, withoutGone, writeFiles } from './site.ts';
import { chooseStarting, type Starting } from './starting.ts';

const COMMAND_MS = 60_000;
const TIMER = 'bin-proxy.timer';

/**
 * `bin-proxy install`: writes what a host needs, and never over what somebody has edited. May be repeated. With `--root`
 * all of it goes below a directory, and nothing is started. Throws {@link RunError} `refused` where two schedules would
 * start it, `not-started` where the timer does not, `no-permission` or `disk-trouble`.
 */
export async function installCommand(invocation: Invocation): Promise<ExitCode> {
  const site = siteOf(invocation);
  const record = new InstallRecord(site.root);
  try {
    const before = await record.read();
    const starting = await chooseStarting(invocation, before, site.root);
    const wanted = wantedFiles(starting.starter, resolve(invocation.wishes['prefix'] ?? '/usr/local'));
    const again = invocation.force === 'yes' ? wanted.map(({ path }) => path) : starting.asked;
    const { done, written } = await writeFiles(wanted, { before, again }, site);
    const changed = await changeOver(starting, site);
    if (site.dry === 'no') await record.write(await withoutGone(written, wanted, site));
    const own = starting.own.map((path): Done => ({ path, action: 'own' }));
    const report = { verb: 'install', site, ...changed, done: [...own, ...changed.done, ...done] } as const;
    reportInstall(report, invocation, terminal(process.stdout, invocation.color));
    if (changed.trouble !== undefined) throw notStarted(changed.trouble, starting);
    return 0;
  } catch (error) {
    throw installTrouble(error);
  }
}

interface ChangedOver extends CommandsRun {
  readonly done: readonly Done[];
}

/** The new way begins before the old one ends: what goes wrong in between leaves a host that is started as before. */
async function changeOver({ starter, stops, former }: Starting, site: Site): Promise<ChangedOver> {
  const starting = starter === 'timer' && site.root === '/' ? ENABLE : [];
  const started: CommandsRun = site.dry === 'yes' ? { commands: starting } : await runAll(starting);
  if (started.trouble !== undefined) return { ...started, done: [] };
  const stopped = stops === 'nothing' ? [] : site.dry === 'yes' ? DISABLE : await stopTimer();
  return { commands: [...started.commands, ...stopped], done: await removeFiles(former, site) };
}

function notStarted(trouble: string, { replaces }: Starting): RunError {
  const starts = replaces === undefined ? 'nothing starts bin-proxy yet' : `${replaces} starts bin-proxy as before`;
  return new RunError('not-started', `the files are written, but the timer is not started: ${trouble}\n${starts}`, {
    hint: 'Does systemd run here? Then repeat this; else: bin-proxy install --cron',
  });
}

export function siteOf({ wishes }: Invocation): Site {
  return { root: resolve(wishes['root'] ?? '/'), dry: wishes['dry-run'] === undefined ? 'no' : 'yes' };
}

export function installTrouble(error: unknown): unknown {
  return error instanceof RunError ? error : placeTrouble(error, 'not done to its end', '--root');
}

type Command = readonly [program: string, ...args: readonly string[]];
const ENABLE: readonly Command[] = [
  ['systemctl', 'daemon-reload'],
  ['systemctl', 'enable', '--now', TIMER],
];
export const DISABLE: readonly Command[] = [['systemctl', 'disable', '--now', TIMER]];

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
