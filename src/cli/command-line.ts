import { RunError } from '../domain/errors.ts';
import { type CommandName, FLAGS, type FlagRow } from './flag-table.ts';

export type Color = 'auto' | 'always' | 'never';
export type Volume = 'quiet' | 'normal' | 'verbose' | 'debug';

/** What was asked for on the command line. */
export interface Invocation {
  readonly command: CommandName;
  /** Names of binaries; empty: all of them. Of `config`, `manifest`, `completion` and `help`: their own words. */
  readonly names: readonly string[];
  readonly force: 'no' | 'yes';
  readonly output: 'text' | 'json';
  readonly volume: Volume;
  readonly color: Color;
  /** Flags that only some commands take, by flag name. */
  readonly wishes: Readonly<Record<string, string>>;
  /** Settings given as flags, by flag name; `config` among them. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Raw values by flag, as either parser delivers them. */
export interface RawFlags {
  readonly switches: ReadonlySet<string>;
  readonly verbosity: number;
  readonly texts: Readonly<Record<string, string>>;
}

/** Throws {@link RunError} `usage` where a flag is given that the command does not take. */
export function toInvocation(command: CommandName, names: readonly string[], raw: RawFlags): Invocation {
  const { color, ...texts } = raw.texts;
  const wishes: Record<string, string> = {};
  const settings: Record<string, string> = { ...texts };
  for (const { flag, of } of FLAGS as readonly FlagRow[]) {
    if (of === undefined) continue;
    const value = texts[flag] ?? (raw.switches.has(flag) ? 'yes' : undefined);
    if (value === undefined) continue;
    if (!of.includes(command))
      throw new RunError('usage', `--${flag} belongs to "bin-proxy ${of.join('", "')}", found with "${command}"`);
    wishes[flag] = value;
    delete settings[flag];
  }
  const { force, ...others } = wishes;
  return {
    command: command === 'run' && raw.switches.has('dry-run') ? 'plan' : command,
    names,
    force: force === 'yes' ? 'yes' : 'no',
    output: raw.switches.has('json') ? 'json' : 'text',
    volume: raw.switches.has('quiet')
      ? 'quiet'
      : ((['normal', 'verbose', 'debug'] as const)[Math.min(raw.verbosity, 2)] ?? 'normal'),
    color: color === 'always' || color === 'never' ? color : 'auto',
    wishes: others,
    settings,
  };
}
