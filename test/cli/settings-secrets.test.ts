import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SettingSources } from '../../src/cli/settings-lookup.ts';
import { settingsPlace } from './settings-place.ts';

const { place, load, problemsWith } = settingsPlace();

describe('the token', () => {
  const file = (text: string, name = 'token') => {
    writeFileSync(place.path(name), text);
    chmodSync(place.path(name), 0o600);
    return place.path(name);
  };

  it('is a word, given directly or in a file', async () => {
    expect((await load({ environment: { BIN_MANAGER_TOKEN: 'hunter2' } })).token).toBe('hunter2');
    expect((await load({ environment: { BIN_MANAGER_TOKEN_FILE: file(' hunter2\n') } })).token).toBe('hunter2');
    expect((await load({}, `BIN_MANAGER_TOKEN_FILE=${file('hunter2')}`)).token).toBe('hunter2');
    expect('token' in (await load({}))).toBe(false);
  });

  it('comes from the nearest of flag, environment and config file, whichever way it is given', async () => {
    const flags = { 'token-file': file('from-flag') };
    const environment = { BIN_MANAGER_TOKEN: 'from-environment' };
    expect((await load({ flags, environment })).token).toBe('from-flag');
    expect((await load({ environment }, `BIN_MANAGER_TOKEN_FILE=${file('from-config')}`)).token).toBe(
      'from-environment',
    );
    const named = { BIN_MANAGER_TOKEN_FILE: file('from-environment') };
    expect((await load({ environment: named }, 'BIN_MANAGER_TOKEN=from-config')).token).toBe('from-environment');
  });

  it('given both ways in one place is the one that is given directly', async () => {
    const environment = { BIN_MANAGER_TOKEN: 'direct', BIN_MANAGER_TOKEN_FILE: place.path('nowhere') };
    expect((await load({ environment })).token).toBe('direct');
  });

  it.each(['two words', 'line\nline', 'tab\tbed', 'ümlaut', '\u0000', ''])('is no %j', async (text) => {
    const problems = await problemsWith({ environment: { BIN_MANAGER_TOKEN_FILE: file(text) } });
    expect(problems).toEqual([
      `BIN_MANAGER_TOKEN_FILE in the environment: ${place.path('token')}: expected one word of printable ASCII as the token`,
    ]);
  });

  it('that cannot be read is told with its file', async () => {
    mkdirSync(place.path('dir'));
    const [problem] = await problemsWith({ flags: { 'token-file': place.path('dir') } });
    expect(problem).toMatch(/^--token-file: \S+\/dir: cannot be read: EISDIR/);
  });

  it('is looked for at an absolute path only: cron and sudo begin in another directory', async () => {
    const problems = await problemsWith({ flags: { 'token-file': 'hunter2' } });
    expect(problems).toEqual(['--token-file: expected the absolute path of a file that holds the token']);
  });
});

describe('a secret stands in no message (invariant 14)', () => {
  it.each<[string, Partial<SettingSources>, readonly string[]]>([
    ['a token that is none', { environment: { BIN_MANAGER_TOKEN: 'hunter2 hunter2' } }, []],
    ['a token that a shell would compute', {}, ['export BIN_MANAGER_TOKEN="hunter2$x"']],
    ['a password in a URL', { flags: { api: 'http://ana:hunter2@h/' } }, []],
    ['a password in a URL of another kind', { flags: { api: 'ftp://ana:hunter2@h/' } }, []],
    ['a password in a URL that is none', { flags: { api: 'http://ana:hunter2@:80/' } }, []],
    ['a user that is a token', { flags: { api: 'ftp://hunter2@h/' } }, []],
    ['a query', { flags: { api: 'http://h/?token=hunter2' } }, []],
    ['a query of a URL that is none', { flags: { api: 'h/?token=hunter2' } }, []],
    ['a ping address that is none', { environment: { BIN_PROXY_PING_URL: 'hunter2' } }, []],
    ['a ping address with a password', { environment: { BIN_PROXY_PING_URL: 'http://ana:hunter2@h/' } }, []],
    ['a fragment', { flags: { api: 'http://h/#hunter2' } }, []],
  ])('%s', async (_, sources, lines) => {
    const problems = await problemsWith(sources, ...lines);
    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain('hunter2');
  });
});
