import { SETTINGS } from './settings-table.ts';

const COMMAND_NAMES = [
  'run',
  'plan',
  'apply',
  'status',
  'explain',
  'history',
  'verify',
  'rollback',
  'hold',
  'unhold',
  'retry',
  'unlock',
  'doctor',
  'config',
  'manifest',
  'install',
  'uninstall',
  'completion',
  'help',
  'demo',
] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];

export interface FlagRow {
  readonly flag: string;
  readonly short?: string;
  readonly type: 'boolean' | 'string' | 'count';
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  readonly meaning: string;
  /** The commands that take it; absent: every one. */
  readonly of?: readonly CommandName[];
}

/** Flags of every command, beside one for each setting. */
export const FLAGS = [
  {
    flag: 'dry-run',
    short: 'n',
    type: 'boolean',
    meaning: 'show what would be done and change nothing (as "plan")',
    of: ['run', 'plan', 'rollback', 'install', 'uninstall'],
  },
  {
    flag: 'force',
    type: 'boolean',
    meaning: 'try again what failed here; unlock: ask the holder to end; install: write what was deleted',
    of: ['run', 'plan', 'explain', 'rollback', 'unlock', 'install'],
  },
  { flag: 'now', type: 'boolean', meaning: 'do not wait for a maintenance window', of: ['run', 'plan'] },
  {
    flag: 'keep-going',
    type: 'boolean',
    meaning: 'go on with other services after a rollback',
    of: ['run', 'apply'],
  },
  { flag: 'out', type: 'string', placeholder: 'FILE', meaning: 'plan: save it, for "apply"', of: ['plan'] },
  {
    flag: 'to',
    type: 'string',
    placeholder: 'VERSION',
    meaning: 'rollback: a version, the beginning of a digest, or factory',
    of: ['rollback'],
  },
  {
    flag: 'until',
    type: 'string',
    placeholder: 'TIME',
    meaning: 'hold: for how long (2h, 3d) or until when [until "unhold"]',
    of: ['hold'],
  },
  { flag: 'reason', type: 'string', placeholder: 'TEXT', meaning: 'hold: why, for whoever finds it', of: ['hold'] },
  { flag: 'json', type: 'boolean', meaning: 'one JSON document on stdout' },
  { flag: 'quiet', short: 'q', type: 'boolean', meaning: 'only changes and what needs a person (for cron)' },
  { flag: 'verbose', short: 'v', type: 'count', meaning: 'more on stderr; twice for everything' },
  {
    flag: 'color',
    type: 'string',
    placeholder: 'WHEN',
    choices: ['auto', 'always', 'never'],
    meaning: 'colour the output: auto, always or never',
  },
  { flag: 'offline', of: ['explain'], type: 'boolean', meaning: 'explain: do not ask the release server' },
  {
    flag: 'since',
    of: ['history'],
    type: 'string',
    placeholder: 'WHEN',
    meaning: 'history: from then on: 2026-11-21, 2026-11-21T08:15Z, 90m, 12h, 7d or 2w',
  },
  {
    flag: 'limit',
    of: ['history'],
    type: 'string',
    placeholder: 'N',
    meaning: 'history: the newest N changes; 0: all [50]',
  },
  {
    flag: 'file',
    of: ['manifest'],
    type: 'string',
    placeholder: 'PATH',
    meaning: 'manifest add: the installed file [BIN_DIR/NAME]',
  },
  {
    flag: 'service',
    of: ['manifest'],
    type: 'string',
    placeholder: 'NAMES',
    meaning: 'manifest add: what to restart, with commas between; false: nothing [NAME]',
  },
  { flag: 'origin', of: ['config'], type: 'boolean', meaning: 'config: where each value comes from' },
  { flag: 'cron', of: ['install'], type: 'boolean', meaning: 'install: a file for cron starts it each minute' },
  { flag: 'timer', of: ['install'], type: 'boolean', meaning: 'install: a systemd timer does' },
  {
    flag: 'root',
    of: ['install', 'uninstall'],
    type: 'string',
    placeholder: 'DIR',
    meaning: 'install, uninstall: as if DIR were / (as DESTDIR of make)',
  },
  {
    flag: 'prefix',
    of: ['install'],
    type: 'string',
    placeholder: 'DIR',
    meaning: 'install: where manual and completions go [/usr/local]',
  },
  {
    flag: 'purge',
    of: ['uninstall'],
    type: 'boolean',
    meaning: 'uninstall: also settings, manifest, state, log and backups',
  },
  { flag: 'config', short: 'c', type: 'string', placeholder: 'FILE', meaning: 'config file [/etc/bin-proxy/config]' },
] as const satisfies readonly FlagRow[];

export const SETTING_FLAGS: readonly FlagRow[] = SETTINGS.filter(({ flag }) => flag !== '').map((row) => ({
  flag: row.flag,
  type: 'string',
  placeholder: row.placeholder,
  meaning: row.meaning,
}));

export function isCommand(word: string): word is CommandName {
  return (COMMAND_NAMES as readonly string[]).includes(word);
}
