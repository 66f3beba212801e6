import { resolve } from 'node:path';
import { RunError } from '../../domain/errors.ts';
import { placeTrouble } from '../../platform/file-trouble.ts';
import type { Invocation } from '../command-line.ts';
import type { ExitCode } from '../exit-codes.ts';
import { terminal } from '../terminal.ts';
import { changeOver } from './change-over.ts';
import { InstallRecord } from './install-record.ts';
import { wantedFiles } from './installed-files.ts';
import { reportInstall } from './report-install.ts';
import { type Done, type Site, withoutGone, writeFiles } from './site.ts';
import { chooseStarting } from './starting.ts';

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
    const changed = await changeOver(starting, done, site);
    // What was written and removed again was not deleted by anybody.
    for (const { path, action } of changed.done) if (action === 'remove') written.delete(path);
    if (site.dry === 'no') await record.write(await withoutGone(written, wanted, site));
    const own = starting.own.map((path): Done => ({ path, action: 'own' }));
    const stays = done.filter(({ path }) => !changed.done.some((one) => one.path === path));
    const report = { verb: 'install', site, ...changed, done: [...own, ...changed.done, ...stays] } as const;
    reportInstall(report, invocation, terminal(invocation.color));
    if (changed.failure !== undefined) throw changed.failure;
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
