import type { Assignment } from './config-file.ts';
import type { SettingRow } from './setting-row.ts';
import type { Found } from './settings-found.ts';
import { SETTINGS, type SettingKey } from './settings-table.ts';

export interface SettingSources {
  /** By flag name, without the dashes; `config` among them. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a config file says. */
export interface Assigned {
  readonly file: string;
  readonly assignments: readonly Assignment[];
}

/** Flag > environment > config file > default, for each setting. */
export function foundBy(sources: SettingSources, config: Assigned): ReadonlyMap<SettingKey, Found> {
  const all = SETTINGS.map((row) => [row.key, lookUp(row, sources, config)] as const);
  return new Map(all.flatMap(([key, found]) => (found === undefined ? [] : [[key, found] as const])));
}

/** An empty value is as good as none, as in a shell's `${K:-default}`. */
function lookUp(row: SettingRow, { flags, environment }: SettingSources, config: Assigned): Found | undefined {
  const flag = row.flag === '' ? undefined : flags[row.flag];
  if (flag !== undefined) return { value: flag, from: `--${row.flag}`, rank: 'flag' };
  const names = row.alias === undefined ? [row.variable] : [row.variable, row.alias];
  for (const name of names) {
    const value = isForged(name, environment) ? '' : (environment[name] ?? '');
    if (value !== '') return { value, from: `${name} in the environment`, rank: 'environment' };
  }
  for (const name of names) {
    const assigned = config.assignments.findLast(({ variable }) => variable === name);
    if (assigned === undefined || assigned.value === '') continue;
    const place = `${config.file}:${assigned.at}`;
    return { value: assigned.value, from: `${place}  ${name}`, rank: 'config', place };
  }
  return row.fallback === undefined ? undefined : { value: row.fallback, from: 'default', rank: 'fallback' };
}

/** In a CGI script that is the header "Proxy" of a request. */
function isForged(name: string, environment: SettingSources['environment']): boolean {
  return name === 'HTTP_PROXY' && environment['REQUEST_METHOD'] !== undefined;
}
