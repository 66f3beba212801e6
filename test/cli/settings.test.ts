import { existsSync, mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/cli/settings.ts';
import { DEFAULT_CONFIG, SETTINGS } from '../../src/cli/settings-table.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { settingsPlace } from './settings-place.ts';

const { place, config, load, problemsWith } = settingsPlace();

describe('the settings of a normal host', () => {
  it('have defaults, all of them', async () => {
    expect(await load({})).toEqual({
      api: new URL('http://localhost:8080/api/v1'),
      binDir: '/usr/local/bin',
      manifestFile: '/etc/bin-proxy/bin-manifests.json',
      logFile: '/var/log/bin-proxy.log',
      stateDir: '/var/lib/bin-proxy',
      lockFile: '/run/bin-proxy/lock',
      stableSeconds: 10,
      probationSeconds: expect.any(Number) as number,
      splaySeconds: 0,
      timeoutSeconds: 300,
      minRate: 1024,
      report: 'auto',
    });
  });

  it('come from flag, environment, config file and default, in this order', async () => {
    const line = 'export BIN_DIR="/from/config"';
    const environment = { BIN_DIR: '/from/environment' };
    const flags = { 'bin-dir': '/from/flag' };
    expect((await load({ flags, environment }, line)).binDir).toBe('/from/flag');
    expect((await load({ environment }, line)).binDir).toBe('/from/environment');
    expect((await load({}, line)).binDir).toBe('/from/config');
    expect((await load({})).binDir).toBe('/usr/local/bin');
  });

  it('take the last of several lines, as a shell does', async () => {
    expect((await load({}, 'BIN_DIR=/one', 'BIN_DIR=/two')).binDir).toBe('/two');
  });

  it('take an empty value for none, as a shell does in its defaults', async () => {
    expect((await load({ environment: { BIN_DIR: '' } }, 'BIN_DIR=/from/config')).binDir).toBe('/from/config');
    expect((await load({}, 'BIN_DIR=""')).binDir).toBe('/usr/local/bin');
  });

  it.each(
    SETTINGS.filter(({ flag }) => flag !== '' && flag !== 'token-file').map(
      ({ key, flag, variable }) => [variable, flag, key] as const,
    ),
  )('know %s as --%s', async (variable, flag, key) => {
    const isNumber = key.endsWith('Seconds') || key === 'minRate' || key === 'maxChanges';
    const texts: Readonly<Record<string, string>> = { api: 'http://r.example/x', report: 'on' };
    const value = texts[key] ?? (isNumber ? '7' : '/some/where');
    const [byFlag, byVariable, byLine] = [
      await load({ flags: { [flag]: value } }),
      await load({ environment: { [variable]: value } }),
      await load({}, `export ${variable}="${value}"`),
    ];
    const meant = key === 'api' ? new URL(value) : isNumber ? 7 : value;
    expect([byFlag, byVariable, byLine].map((settings) => settings[key as keyof Settings])).toEqual([
      meant,
      meant,
      meant,
    ]);
  });

  it.each([
    ['30', 30],
    ['30s', 30],
    [' 1.5 ', 1.5],
    ['3600', 3600],
  ])('read %j as seconds', async (text, seconds) => {
    expect((await load({ environment: { BIN_PROXY_STABLE_SECONDS: text } })).stableSeconds).toBe(seconds);
  });
});

describe('the config file', () => {
  it.skipIf(existsSync(DEFAULT_CONFIG))('may be missing where nobody named it', async () => {
    const { warnings } = await loadSettings({ flags: {}, environment: {} });
    expect(warnings).toEqual([]);
  });

  it('is named by --config, else by BIN_PROXY_CONFIG', async () => {
    const file = config('BIN_DIR=/from/config');
    const { settings } = await loadSettings({ flags: {}, environment: { BIN_PROXY_CONFIG: file } });
    expect(settings.binDir).toBe('/from/config');
    const other = { BIN_PROXY_CONFIG: place.path('nowhere') };
    expect((await loadSettings({ flags: { config: file }, environment: other })).settings.binDir).toBe('/from/config');
  });

  it('that was named must be there', async () => {
    const environment = { BIN_PROXY_CONFIG: place.path('nowhere') };
    await expect(loadSettings({ flags: {}, environment })).rejects.toMatchObject({
      code: 'settings-invalid',
      message: `there is no config file at ${place.path('nowhere')}`,
      hint: 'Create it, or correct --config or BIN_PROXY_CONFIG.',
    });
  });

  it('that cannot be read says so', async () => {
    mkdirSync(place.path('dir'));
    await expect(loadSettings({ flags: { config: place.path('dir') }, environment: {} })).rejects.toMatchObject({
      code: 'settings-invalid',
      message: expect.stringContaining('EISDIR') as string,
    });
  });

  it('may set other things; a setting that is misspelt is warned about with its place', async () => {
    const file = config('export PATH="/usr/bin"', 'BIN_DIRS=/x', '  LOG_FIEL=/y', 'MAILTO=ana');
    const { warnings } = await loadSettings({ flags: { config: file }, environment: { BIN_WHATEVER: '1' } });
    expect(warnings).toEqual([
      `${file}:2:10  BIN_DIRS: unknown setting, ignored`,
      `${file}:3:12  LOG_FIEL: unknown setting, ignored`,
    ]);
  });
});

describe('settings with mistakes', () => {
  it('are told all at once, each with the place it came from', async () => {
    const environment = { BIN_MANAGER_API: 'localhost:8080', BIN_PROXY_TIMEOUT_SECONDS: '0' };
    const flags = { 'state-dir': 'state' };
    const lines = [
      'BIN_DIR=bin',
      'export LOG_FILE="$HOME/log"',
      'BIN_PROXY_STABLE_SECONDS=soon',
      'BIN_MANAGER_TOKEN_FILE=/nowhere/token',
    ];
    expect(await problemsWith({ flags, environment }, ...lines)).toEqual([
      'config:2:17  LOG_FILE: "$HOME/log" would be computed by a shell; write the value out, or put it in single quotes',
      'config:4:24  BIN_MANAGER_TOKEN_FILE: /nowhere/token: there is no such file',
      'BIN_MANAGER_API in the environment: expected a URL such as http://releases.example:8080/api/v1, found "localhost:8080"',
      'config:1:9  BIN_DIR: expected an absolute path, found "bin"',
      '--state-dir: expected an absolute path, found "state"',
      'config:3:26  BIN_PROXY_STABLE_SECONDS: expected 1 to 3600 seconds, found "soon"',
      'BIN_PROXY_TIMEOUT_SECONDS in the environment: expected 1 to 86400 seconds, found "0"',
    ]);
  });

  it.each(['', ' ', '-1', '1e3', '0x10', '5 minutes', '5m', 'NaN', 'Infinity', '99999999', '1,5', '١'])(
    'are no seconds: %j',
    async (text) => {
      const problems = await problemsWith({ flags: { stable: text } });
      expect(problems).toEqual([`--stable: expected 1 to 3600 seconds, found ${JSON.stringify(text)}`]);
    },
  );

  it.each(['file:///etc/passwd', 'releases.example', '//releases.example', 'http://', 'javascript:1', '/api/v1'])(
    'are no address of a server: %s',
    async (text) => {
      const [problem, ...others] = await problemsWith({ flags: { api: text } });
      expect(problem).toMatch(/^--api: expected a URL such as /);
      expect(others).toEqual([]);
    },
  );

  it.each([
    ['http://h/api?x=1', '--api: expected a base URL without "?" and "#", found "http://h/api?…"'],
    ['http://h/api#x', '--api: expected a base URL without "?" and "#", found "http://h/api#…"'],
    ['http://ana:pw@h/api', '--api: a URL must not hold a password; use BIN_MANAGER_TOKEN_FILE'],
    ['http://ana@h/api', '--api: a URL must not hold a password; use BIN_MANAGER_TOKEN_FILE'],
  ])('are an address with something more: %s', async (api, problem) => {
    expect(await problemsWith({ flags: { api } })).toEqual([problem]);
  });
});
