import { join } from 'node:path';
import { columns, printableText } from '../../platform/text.ts';
import type { Invocation } from '../command-line.ts';
import type { Terminal } from '../terminal.ts';
import { MANIFEST } from './installed-files.ts';
import { type Done, OFFERED, type Site } from './site.ts';

export interface Report {
  readonly verb: 'install' | 'uninstall';
  readonly site: Site;
  readonly done: readonly Done[];
  /** Programs that were run, or would be. */
  readonly commands: readonly (readonly string[])[];
  /** What was found off, and left so. */
  readonly off?: 'timer';
  /** Why what starts it was not changed. */
  readonly trouble?: string;
}

const MOST_NAMES = 5;
const OFF = 'Nothing starts bin-proxy: its timer is off, and stays off. bin-proxy install --timer turns it on.';

const WORDS: Readonly<Record<Done['action'], readonly [done: string, would: string]>> = {
  write: ['written', 'would write'],
  skip: ['not written', 'not written'],
  same: ['unchanged', 'unchanged'],
  update: ['updated', 'would update'],
  keep: ['kept', 'kept'],
  offer: ['kept', 'kept'],
  remove: ['removed', 'would remove'],
  leave: ['kept', 'kept'],
  shared: ['kept', 'kept'],
  own: ['kept', 'kept'],
};

/** A line for each file, what is run, and what is to be done next. */
export function reportInstall(report: Report, { output }: Invocation, out: Terminal): void {
  const { verb, site, done, commands, off, trouble } = report;
  if (output === 'json') return out.data(JSON.stringify(document(report)));
  const rows = done.map((one) => [word(one.action, site), `${join(site.root, one.path)}${noteOf(one, site)}`]);
  for (const cells of columns(rows)) out.line(printableText(cells.join('  ')));
  if (rows.length === 0) out.line('Nothing was written here by "bin-proxy install".');
  for (const command of commands)
    out.line(printableText(`${site.dry === 'yes' ? 'would run' : 'ran'}: ${command.join(' ')}`));
  if (off !== undefined) out.line(OFF);
  if (trouble !== undefined) return;
  const next = site.dry === 'yes' ? 'Nothing was changed.' : nextStep(verb, done);
  if (next !== '') out.line(`\n${next}`);
}

function word(action: Done['action'], { dry }: Site): string {
  return WORDS[action][dry === 'yes' ? 1 : 0];
}

function noteOf({ path, action, holds = [] }: Done, { root }: Site): string {
  switch (action) {
    case 'keep':
    case 'leave':
      return '  (edited here)';
    case 'skip':
      return '  (deleted here; --force writes it)';
    case 'offer':
      return `  (edited here; the new text is ${join(root, path)}${OFFERED})`;
    case 'own':
      return '  (starts bin-proxy already)';
    case 'shared': {
      const more = holds.length > MOST_NAMES ? ` and ${holds.length - MOST_NAMES} more` : '';
      return `  (not of bin-proxy: ${holds.slice(0, MOST_NAMES).join(', ')}${more})`;
    }
    default:
      return '';
  }
}

function nextStep(verb: Report['verb'], done: readonly Done[]): string {
  const isPurged = done.some(({ path, action }) => path === MANIFEST && action === 'remove');
  if (verb === 'uninstall')
    return `The programs stay as they are${isPurged ? '.' : ', and so do manifest, state and backups: --purge removes them.'}`;
  const isNew = done.some(({ path, action }) => path.endsWith('/config') && action === 'write');
  return isNew
    ? 'Next: set BIN_MANAGER_API in /etc/bin-proxy/config; bin-proxy manifest add NAME; bin-proxy doctor'
    : 'Whether all is well: bin-proxy doctor';
}

/** The document of `bin-proxy install --json` and `uninstall --json`. */
function document({ verb, site, done, commands, off, trouble }: Report) {
  return {
    schema: 'bin-proxy/install/1',
    command: verb,
    root: site.root,
    dryRun: site.dry === 'yes',
    files: done.map(({ path, action, holds }) => ({
      path,
      action,
      ...(action === 'offer' && { offered: path + OFFERED }),
      ...(holds !== undefined && { holds }),
    })),
    commands: commands.map((words) => words.join(' ')),
    ...(off !== undefined && { off }),
    ...(trouble !== undefined && { trouble }),
  };
}
