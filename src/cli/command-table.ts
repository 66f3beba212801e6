import type { CommandName } from './flag-table.ts';

export interface CommandRow {
  /** What follows the command, as yargs writes it: `<one>`, `[one]`, `<some..>`, `[some..]`. */
  readonly words: string;
  readonly meaning: string;
  /** Of a command that has several: what its first word may be. */
  readonly actions?: readonly string[];
  /** What its words are. */
  readonly names: 'binaries' | 'none' | 'own';
}

/** Every command. `--help`, the completions, the man page and the README follow this table, in its order. */
const COMMANDS = {
  run: {
    words: '[names..]',
    meaning: 'one tick, also without a command: check, verify, replace, prove',
    names: 'binaries',
  },
  plan: { words: '[names..]', meaning: 'what run would do, and why; changes nothing', names: 'binaries' },
  apply: {
    words: '<plan>',
    meaning: 'carries out a plan that "plan --out" saved, if it still fits',
    names: 'own',
  },
  status: {
    words: '[names..]',
    meaning: 'what is installed, how its service does, and what needs you',
    names: 'binaries',
  },
  explain: { words: '<names..>', meaning: 'why a binary is or is not updated, and what to do', names: 'binaries' },
  history: { words: '[names..]', meaning: 'what changed when, from what to what, and who asked', names: 'binaries' },
  verify: {
    words: '[names..]',
    meaning: 'hashes what is installed and every backup; 100: differs',
    names: 'binaries',
  },
  rollback: { words: '<names>', meaning: 'back to a version that is kept here; needs no server', names: 'binaries' },
  hold: { words: '<names..>', meaning: 'leave these binaries alone', names: 'binaries' },
  unhold: { words: '<names..>', meaning: 'no longer leave them alone', names: 'binaries' },
  retry: { words: '<names..>', meaning: 'lift what is held against the release that is offered', names: 'binaries' },
  unlock: { words: '', meaning: 'who holds the lock; with --force asks the holder to end', names: 'none' },
  doctor: { words: '', meaning: 'goes through the set-up of this host; 1: something fails', names: 'none' },
  config: {
    words: '<action>',
    actions: ['show'],
    meaning: 'every setting and its value, with --origin where it comes from',
    names: 'none',
  },
  manifest: {
    words: '<action> [names..]',
    actions: ['check', 'add', 'remove', 'schema'],
    meaning: 'checks the manifest [FILE], adds NAME [FIELD=VALUE..], removes NAME',
    names: 'own',
  },
  install: { words: '', meaning: 'writes what this host needs to run it each minute', names: 'none' },
  uninstall: { words: '', meaning: 'removes what install wrote and nobody has edited', names: 'none' },
  completion: {
    words: '<action>',
    actions: ['bash', 'zsh', 'fish', 'names'],
    meaning: 'completion for a shell, to be sourced by it; names: of the manifest',
    names: 'none',
  },
  help: { words: '[names]', meaning: 'this text, that of a command, or exit-codes', names: 'own' },
  demo: { words: '', meaning: 'an update, a bad release and its rollback in a temporary folder', names: 'none' },
} as const satisfies Record<CommandName, CommandRow>;

export const COMMAND_ROWS = Object.entries(COMMANDS) as readonly (readonly [CommandName, CommandRow])[];
