import { isAbsolute } from 'node:path';
import { errorText, RunError, systemCode } from '../domain/errors.ts';
import type { Reporting, Settings } from '../domain/settings.ts';
import { readText } from '../platform/files.ts';
import { parseConfig } from './config-file.ts';
import type { Found } from './settings-found.ts';
import { type Assigned, foundBy, type SettingSources } from './settings-lookup.ts';
import { readProxies } from './settings-proxy.ts';
import { CONFIG_VARIABLE, DEFAULT_CONFIG, SETTINGS, type SettingKey } from './settings-table.ts';
import { readToken } from './settings-token.ts';
import { secretUrl } from './settings-url.ts';

export interface LoadedSettings {
  readonly settings: Settings;
  /** The config file in use, whether or not it exists. */
  readonly configFile: string;
  /** For a person, never for cron. */
  readonly warnings: readonly string[];
}

/** What was found for each setting, before anything is made of it. */
export interface FoundSettings {
  readonly configFile: string;
  readonly configState: 'read' | 'absent';
  readonly found: ReadonlyMap<SettingKey, Found>;
  /** Lines of the config file that are no settings. */
  readonly problems: readonly string[];
  /** For a person, never for cron. */
  readonly warnings: readonly string[];
}

/** Flag > environment > config file > default. Throws {@link RunError} with every problem at once. */
export async function loadSettings(sources: SettingSources): Promise<LoadedSettings> {
  return readSettings(await findSettings(sources));
}

/** Throws {@link RunError} where the config file cannot be read at all. */
export async function findSettings(sources: SettingSources): Promise<FoundSettings> {
  const config = await readConfig(sources);
  const found = foundBy(sources, config);
  const { file: configFile, state: configState, problems } = config;
  return { configFile, configState, found, problems, warnings: unknownVariables(config) };
}

/** What flags, environment and defaults say, whatever stands in the config file. */
export function findWithoutConfig(sources: SettingSources): ReadonlyMap<SettingKey, Found> {
  return foundBy(sources, { assignments: [], file: '' });
}

/** Throws {@link RunError} with every problem at once. */
export async function readSettings({ found, ...looked }: FoundSettings): Promise<LoadedSettings> {
  const problems = [...looked.problems];
  const reader = new Reader(found, problems);
  const settings = reader.settings(await readToken(found, problems));
  if (problems.length > 0) throw invalid(problems);
  return { settings, configFile: looked.configFile, warnings: looked.warnings };
}

interface Config extends Assigned {
  readonly state: 'read' | 'absent';
  readonly problems: readonly string[];
}

async function readConfig({ flags, environment }: SettingSources): Promise<Config> {
  const named = flags['config'] ?? (environment[CONFIG_VARIABLE] || undefined);
  const file = named ?? DEFAULT_CONFIG;
  let text: string | undefined;
  try {
    text = await readText(file);
  } catch (error) {
    const code = systemCode(error) === 'EACCES' ? 'no-permission' : 'settings-invalid';
    throw new RunError(code, `cannot read the config file ${file}: ${errorText(error)}`, { cause: error });
  }
  if (text === undefined && named !== undefined) {
    throw new RunError('settings-invalid', `there is no config file at ${file}`, {
      hint: `Create it, or correct --config or ${CONFIG_VARIABLE}.`,
    });
  }
  const { assignments, problems } = parseConfig(text ?? '');
  const state = text === undefined ? 'absent' : 'read';
  return { file, state, assignments, problems: problems.map((problem) => `${file}:${problem}`) };
}

class Reader {
  readonly #found: ReadonlyMap<SettingKey, Found>;
  readonly #problems: string[];

  constructor(found: ReadonlyMap<SettingKey, Found>, problems: string[]) {
    this.#found = found;
    this.#problems = problems;
  }

  settings(bearer: string | undefined): Settings {
    const supervisorConf = this.#found.has('supervisorConf') ? this.#path('supervisorConf') : undefined;
    const caFile = this.#found.has('caFile') ? this.#path('caFile') : undefined;
    const maxChanges = this.#found.has('maxChanges') ? this.#count('maxChanges') : undefined;
    const metricsFile = this.#found.has('metricsFile') ? this.#path('metricsFile') : undefined;
    const pingUrl = this.#found.has('pingUrl') ? this.#secretUrl('pingUrl') : undefined;
    const proxies = readProxies(this.#found, this.#problems);
    return {
      api: this.#url('api'),
      binDir: this.#path('binDir'),
      manifestFile: this.#path('manifestFile'),
      logFile: this.#path('logFile'),
      stateDir: this.#path('stateDir'),
      lockFile: this.#path('lockFile'),
      stableSeconds: this.#seconds('stableSeconds', { least: 1, most: 3_600 }),
      probationSeconds: this.#seconds('probationSeconds', { least: 0, most: 86_400 }),
      splaySeconds: this.#seconds('splaySeconds', { least: 0, most: 3_600 }),
      timeoutSeconds: this.#seconds('timeoutSeconds', { least: 1, most: 86_400 }),
      minRate: this.#bytes('minRate'),
      report: this.#reporting('report'),
      ...(metricsFile !== undefined && { metricsFile }),
      ...(pingUrl !== undefined && { pingUrl }),
      ...(maxChanges !== undefined && { maxChanges }),
      ...(supervisorConf !== undefined && { supervisorConf }),
      ...(caFile !== undefined && { caFile }),
      ...(proxies !== undefined && { proxies }),
      ...(bearer !== undefined && { token: bearer }),
    };
  }

  #path(key: SettingKey): string {
    const { value, from } = this.#get(key);
    if (!isAbsolute(value)) this.#problems.push(`${from}: expected an absolute path, found ${JSON.stringify(value)}`);
    return value;
  }

  #seconds(key: SettingKey, { least, most }: { readonly least: number; readonly most: number }): number {
    const { value, from } = this.#get(key);
    const seconds = Number(/^(\d+(?:\.\d+)?)s?$/.exec(value.trim())?.[1]);
    if (seconds >= least && seconds <= most) return seconds;
    this.#problems.push(`${from}: expected ${least} to ${most} seconds, found ${JSON.stringify(value)}`);
    return least;
  }

  #bytes(key: SettingKey): number {
    const { value, from } = this.#get(key);
    if (/^\d{1,12}$/.test(value.trim())) return Number(value);
    this.#problems.push(`${from}: expected a number of bytes, found ${JSON.stringify(value)}`);
    return 0;
  }

  #count(key: SettingKey): number {
    const { value, from } = this.#get(key);
    if (/^[1-9]\d{0,5}$/.test(value.trim())) return Number(value);
    this.#problems.push(`${from}: expected a whole number from 1, found ${JSON.stringify(value)}`);
    return 1;
  }

  #reporting(key: SettingKey): Reporting {
    const { value, from } = this.#get(key);
    const word = value.trim();
    if (word === 'auto' || word === 'on' || word === 'off') return word;
    this.#problems.push(`${from}: expected auto, on or off, found ${JSON.stringify(value)}`);
    return 'off';
  }

  #url(key: SettingKey): URL {
    const { value, from } = this.#get(key);
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
      this.#problems.push(
        `${from}: expected a URL such as http://releases.example:8080/api/v1, found ${shownAddress(value)}`,
      );
      return new URL('http://localhost');
    }
    if (url.username !== '' || url.password !== '') {
      this.#problems.push(`${from}: a URL must not hold a password; use BIN_MANAGER_TOKEN_FILE`);
    } else if (url.search !== '' || url.hash !== '') {
      this.#problems.push(`${from}: expected a base URL without "?" and "#", found ${shownAddress(value)}`);
    }
    return url;
  }

  /** An address that is shown to nobody (invariant 14). */
  #secretUrl(key: SettingKey): URL | undefined {
    const { value, from } = this.#get(key);
    const url = secretUrl(value);
    if (url === undefined)
      this.#problems.push(`${from}: expected an http or https address without a user and a password`);
    return url;
  }

  #get(key: SettingKey): Found {
    return this.#found.get(key) ?? { value: '', from: key, rank: 'fallback' };
  }
}

/** An address as it is shown: what may be a password or a token in it is left out (invariant 14). */
function shownAddress(text: string): string {
  return JSON.stringify(text.replace(/^[^?#]*@/, '…@').replace(/([?#]).*$/s, '$1…'));
}

function unknownVariables({ file, assignments }: Config): readonly string[] {
  const known = new Set<string>(SETTINGS.map(({ variable }) => variable));
  return assignments
    .filter(({ variable }) => /^(BIN_|LOG_)/.test(variable) && !known.has(variable))
    .map(({ variable, at }) => `${file}:${at}  ${variable}: unknown setting, ignored`);
}

function invalid(problems: readonly string[]): RunError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new RunError('settings-invalid', [`the settings have ${count}`, ...problems.map((p) => `  ${p}`)].join('\n'), {
    hint: 'Nothing was changed. "bin-proxy --help" lists the settings.',
  });
}
