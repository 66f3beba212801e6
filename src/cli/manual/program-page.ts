import { VERSION } from '../../domain/version.ts';
import { COMMAND_ROWS } from '../command-table.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { FLAGS, type FlagRow } from '../flag-table.ts';
import { CONFIG_VARIABLE, DEFAULT_CONFIG, SETTINGS } from '../settings-table.ts';
import { bold, example, italic, item, plain, section } from './roff.ts';

/** When its text was last changed; the tables need none. */
export const MANUAL_DATE = '2026-11-21';

const PLACES: readonly (readonly [string, string])[] = [
  [DEFAULT_CONFIG, 'settings'],
  ['/etc/bin-proxy/bin-manifests.json', 'the manifest'],
  ['/var/log/bin-proxy.log', 'the log; nothing for an idle tick'],
  ['/var/lib/bin-proxy/', 'records, journal, history and cache'],
  ['/run/bin-proxy/lock', 'the lock; it must not be deleted'],
  ['DIR/.bin-proxy/', 'beside each target: downloads under way, backups, and what was there before the first update'],
];

/** bin-proxy(8), of the tables that the program itself follows. */
export function programPage(): string {
  return `${[
    `.TH BIN\\-PROXY 8 "${MANUAL_DATE}" "bin-proxy ${VERSION}" "System Manager's Manual"`,
    section('NAME', 'bin\\-proxy \\- keeps the programs of a host at the versions their release server names'),
    section('SYNOPSIS', '.B bin\\-proxy', `[${italic('COMMAND')} [${italic('NAME')}\\&...]] [${italic('flags')}]`),
    description(),
    section(
      'COMMANDS',
      ...COMMAND_ROWS.map(([name, { words, meaning }]) =>
        item(`${bold(name)} ${plain(words)}`.trimEnd(), plain(meaning)),
      ),
    ),
    section('OPTIONS', ...(FLAGS as readonly FlagRow[]).map(flagItem), ...HELP_AND_VERSION.map(flagItem)),
    settings(),
    section('EXIT STATUS', ...EXIT_CODES.map(([code, meaning]) => item(bold(String(code)), plain(meaning)))),
    section('FILES', ...PLACES.map(([path, meaning]) => item(italic(path), plain(meaning)))),
    section(
      'EXAMPLES',
      plain('What would change, and why; then do it:'),
      '.PP',
      example('bin-proxy plan', 'bin-proxy run'),
      '.PP',
      plain('Back to the version of before, and leave it alone for three days:'),
      '.PP',
      example('bin-proxy rollback manager', 'bin-proxy hold manager --until 3d --reason "load test"'),
    ),
    section('SEE ALSO', '.BR bin\\-manifests (5),', '.BR cron (8),', '.BR supervisorctl (1)'),
  ].join('\n')}\n`;
}

function description(): string {
  return section(
    'DESCRIPTION',
    plain('Started by cron once a minute, it asks the release server, downloads, verifies, replaces, restarts and'),
    plain('watches, and goes back by itself when a release does not run. What this host should run is written in'),
    '.BR bin\\-manifests (5).',
    '.PP',
    plain(
      'Nothing is remembered between two runs but what lies on disk: one that was killed is put right by the next.',
    ),
  );
}

function settings(): string {
  return section(
    'SETTINGS',
    plain(
      'A flag goes before a variable in the environment, that before the config file, that before the default. The',
    ),
    plain('config file is a list of lines such as'),
    '.PP',
    example('export BIN_DIR="/usr/local/bin"'),
    '.PP',
    `${bold(CONFIG_VARIABLE)} names another one.`,
    ...SETTINGS.map(settingItem),
  );
}

const HELP_AND_VERSION: readonly FlagRow[] = [
  { flag: 'help', short: 'h', type: 'boolean', meaning: 'this text' },
  { flag: 'version', short: 'V', type: 'boolean', meaning: 'the version' },
];

function flagItem({ flag, short, placeholder, meaning }: FlagRow): string {
  const head = [...(short === undefined ? [] : [`${bold(`-${short}`)}, `]), bold(`--${flag}`)].join('');
  return item(placeholder === undefined ? head : `${head} ${italic(placeholder)}`, plain(meaning));
}

function settingItem({ variable, flag, placeholder, fallback, meaning }: (typeof SETTINGS)[number]): string {
  const also = flag === '' ? '' : `, ${bold(`--${flag}`)} ${italic(placeholder)}`;
  const without = fallback === undefined ? '' : ` [${fallback}]`;
  return item(`${bold(variable)}${also}`, plain(`${meaning}${without}`));
}
