import type { Invocation } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
import { terminal } from '../terminal.ts';
import { DISABLE, stopTimer } from './change-over.ts';
import { installTrouble, siteOf } from './install-command.ts';
import { InstallRecord } from './install-record.ts';
import { MANIFEST, starterFiles } from './installed-files.ts';
import { mayPurge, purge } from './purge.ts';
import { reportInstall } from './report-install.ts';
import { removeFiles } from './site.ts';

/**
 * `bin-proxy uninstall`: removes what `install` wrote and nobody has edited since. Programs stay; so do settings that
 * were edited, manifest, state and backups, but for `--purge`. May be repeated.
 */
export async function uninstallCommand(invocation: Invocation): Promise<ExitCode> {
  const site = siteOf(invocation);
  const record = new InstallRecord(site.root);
  const isPurge = invocation.wishes['purge'] !== undefined;
  try {
    if (isPurge) await mayPurge(site, invocation);
    const before = await record.read();
    const timer = starterFiles('timer').some(([path]) => before.has(path));
    const stops = timer && site.root === '/';
    const commands = !stops ? [] : site.dry === 'yes' ? DISABLE : await stopTimer();
    const written = new Map([...before].filter(([path]) => path !== MANIFEST));
    const done = await removeFiles(written, site);
    const purged = isPurge ? await purge(site, invocation) : [];
    if (site.dry === 'no') {
      const left = isPurge ? [] : done.filter(({ action }) => action === 'leave');
      const kept = left.map(({ path }) => path);
      await record.write(new Map([...before].filter(([path]) => kept.includes(path))));
    }
    const gone = new Set(purged.map(({ path }) => path));
    const told = [...done.filter(({ path }) => !gone.has(path)), ...purged];
    const out = terminal(invocation.color);
    reportInstall({ verb: 'uninstall', site, done: told, commands }, invocation, out);
    return 0;
  } catch (error) {
    throw installTrouble(error);
  }
}
