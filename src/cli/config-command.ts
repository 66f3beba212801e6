import { isAbsolute } from 'node:path';
import { columns, printableText } from '../platform/text.ts';
import type { Invocation } from './command-line.ts';
import type { ExitCode } from './exit-codes.ts';
import type { SettingRow } from './setting-row.ts';
import { type FoundSettings, findSettings, readSettings } from './settings.ts';
import type { Found, Rank } from './settings-found.ts';
import { SETTINGS } from './settings-table.ts';
import { terminal } from './terminal.ts';

const HIDDEN = '(set, not shown)';

/** One setting as it is in force. */
interface Shown {
  readonly row: SettingRow;
  readonly value: string | undefined;
  readonly found: Found | undefined;
}

/**
 * `bin-proxy config show`: every setting, its value and where that comes from. Shows invalid ones as they stand, and then
 * ends as `run` would: throws `RunError` `settings-invalid`.
 */
export async function configCommand(invocation: Invocation): Promise<ExitCode> {
  const looked = await findSettings({ flags: invocation.settings, environment: process.env });
  const out = terminal(invocation.color);
  const shown = SETTINGS.map((row): Shown => {
    const found = looked.found.get(row.key);
    return { row, found, value: found === undefined ? undefined : shownValue(row, found.value) };
  });
  if (invocation.output === 'json') out.data(JSON.stringify(configDocument(shown, looked)));
  else {
    const rows = shown.map((one) => textRow(one, invocation.wishes['origin'] === undefined ? 'value' : 'origin'));
    for (const cells of columns(rows)) out.line(printableText(cells.join('  ').trimEnd()));
    for (const warning of looked.warnings) out.line(out.paint('yellow', `warning: ${warning}`));
  }
  await readSettings(looked);
  return 0;
}

/** What may be a secret stands nowhere (invariant 14): also not a token that was written where its file belongs. */
function shownValue({ key, secret }: SettingRow, value: string): string {
  if (secret === 'never' || (key === 'tokenFile' && !isAbsolute(value))) return HIDDEN;
  return secret === 'address'
    ? value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/?#]*@/i, '$1…@').replace(/([?#]).*$/s, '$1…')
    : value;
}

function textRow({ row, value, found }: Shown, what: 'value' | 'origin'): readonly string[] {
  const cells = [row.variable, value ?? '-'];
  return what === 'value' ? cells : [...cells, originText(found)];
}

function originText(found: Found | undefined): string {
  return found === undefined ? 'not set' : (found.place ?? found.from);
}

const ORIGINS: Readonly<Record<Rank, string>> = {
  flag: 'flag',
  environment: 'environment',
  config: 'config-file',
  fallback: 'default',
};

/** The document of `bin-proxy config show --json`. */
function configDocument(shown: readonly Shown[], { configFile, configState, warnings }: FoundSettings) {
  return {
    schema: 'bin-proxy/config/1',
    configFile,
    configFileState: configState,
    warnings,
    settings: shown.map(({ row, value, found }) => ({
      variable: row.variable,
      ...(value !== undefined && { value }),
      origin: found === undefined ? 'not-set' : ORIGINS[found.rank],
      ...(found?.place !== undefined && { place: found.place }),
      ...(value === HIDDEN && { hidden: true }),
    })),
  };
}
