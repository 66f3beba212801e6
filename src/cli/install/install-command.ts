import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorText, RunError } from '../../domain/errors.ts';
import { runCommand } from '../../platform/command.ts';
import { placeTrouble } from '../../platform/file-trouble.ts';
import { orUndefined } from '../../platform/files.ts';
import { printableText } from '../../platform/text.ts';
import type { Invocation } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
import { terminal } from '../terminal.ts';
import { InstallRecord } from './install-record.ts';
import { type Starter, starterFiles, wantedFiles } from './installed-files.ts';
import { reportInstall } from './report-install.ts';
import { removeFiles, type Site, writeFiles } from './site.ts';

const COMMAND_MS = 60_000;
const TIMER = 'bin-proxy.timer';

/**
 * `bin-proxy install`: writes what a host needs, and never over what somebody has edited. May be repeated. With `--root`
 * all of it goes below a directory, and nothing is started. Throws `RunError` `no-permission` or `disk-trouble`.
 */
export async function installCommand(invocation: Invocation): Promise<ExitCode> {
  const { wishes } = invocation;
  const site = siteOf(invocation);
  const starter = await starterOf(invocation, site.root);
  const record = new InstallRecord(site.root);
  const before = await record.read();
  const other = starterFiles(starter === 'cron' ? 'timer' : 'cron').map(([path]) => path);
  const stops = starter === 'cron' && other.some((path) => before.has(path)) ? DISABLE : [];
  const starts = starter === 'timer' ? ENABLE : [];
  try {
    const commands = site.root === '/' ? [...stops, ...starts] : [];
    if (site.dry === 'no') await tryAll(site.root === '/' ? stops : []);
    const left = await removeFiles(other, before, site);
    const { done, written } = await writeFiles(
      wantedFiles(starter, resolve(wishes['prefix'] ?? '/usr/local')),
      before,
      site,
    );
    for (const path of other) written.delete(path);
    if (site.dry === 'no') {
      await record.write(written);
      await runAll(site.root === '/' ? starts : []);
    }
    const out = terminal(process.stdout, invocation.color);
    reportInstall({ verb: 'install', site, done: [...left, ...done], commands }, invocation, out);
    return 0;
  } catch (error) {
    throw installTrouble(error);
  }
}

export function siteOf({ wishes }: Invocation): Site {
  return { root: resolve(wishes['root'] ?? '/'), dry: wishes['dry-run'] === undefined ? 'no' : 'yes' };
}

export function installTrouble(error: unknown): unknown {
  return error instanceof RunError ? error : placeTrouble(error, 'not done to its end', '--root');
}

/** What is asked for; else what is there; else what this host has. */
async function starterOf({ wishes }: Invocation, root: string): Promise<Starter> {
  if (wishes['cron'] !== undefined && wishes['timer'] !== undefined)
    throw new RunError('usage', 'expected --cron or --timer, found both: bin-proxy would be started twice a minute');
  if (wishes['cron'] !== undefined) return 'cron';
  if (wishes['timer'] !== undefined) return 'timer';
  const isThere = async (path: string) => (await orUndefined(stat(join(root, path)))) !== undefined;
  for (const starter of ['cron', 'timer'] as const)
    for (const [path] of starterFiles(starter)) if (await isThere(path)) return starter;
  return root === '/' && (await isThere('/run/systemd/system')) ? 'timer' : 'cron';
}

type Command = readonly [program: string, ...args: readonly string[]];
const ENABLE: readonly Command[] = [
  ['systemctl', 'daemon-reload'],
  ['systemctl', 'enable', '--now', TIMER],
];
export const DISABLE: readonly Command[] = [['systemctl', 'disable', '--now', TIMER]];

/** What stops a timer may find none, or no systemd: a line on stderr, and never the end of what was asked for. */
export async function tryAll(commands: readonly Command[]): Promise<void> {
  for (const command of commands)
    await runAll([command]).catch((error: unknown) => {
      process.stderr.write(`bin-proxy: warning: ${printableText(errorText(error))}\n`);
    });
}

/** Throws {@link RunError} `refused` at the first that does not succeed. */
async function runAll(commands: readonly Command[]): Promise<void> {
  for (const [program, ...args] of commands) {
    const result = await runCommand(program, args, { timeoutMs: COMMAND_MS });
    if (result.kind === 'exited' && result.code === 0) continue;
    const told = result.kind === 'exited' || result.kind === 'killed' ? result.stderr.trim() : result.kind;
    throw new RunError('refused', `${[program, ...args].join(' ')}: ${told}`, {
      hint: 'The files are written. Run it by hand, or use: bin-proxy install --cron',
    });
  }
}
