import { describe, expect, it } from 'vitest';
import type { Proxies } from '../../src/domain/settings.ts';
import { settingsPlace } from './settings-place.ts';

const { load, problemsWith } = settingsPlace();

function shown(proxies: Proxies | undefined) {
  return proxies && [proxies.http?.href, proxies.https?.href, proxies.none];
}

async function proxies(environment: Readonly<Record<string, string>>, ...lines: readonly string[]) {
  return shown((await load({ environment }, ...lines)).proxies);
}

describe('the proxies', () => {
  it('are none unless they are set', async () => {
    expect(await proxies({})).toBeUndefined();
    expect(await proxies({ no_proxy: '*', https_proxy: '' })).toBeUndefined();
  });

  it('come from the environment, else from the config file; lower case goes first in each', async () => {
    const lines = ['export https_proxy=http://c:1', 'export HTTPS_PROXY=http://C:2'];
    const url = async (environment: Readonly<Record<string, string>>, ...more: readonly string[]) =>
      (await proxies(environment, ...more))?.[1];
    expect(await url({ https_proxy: 'http://e:3', HTTPS_PROXY: 'http://e:4' }, ...lines)).toBe('http://e:3/');
    expect(await url({ HTTPS_PROXY: 'http://e:4' }, ...lines)).toBe('http://e:4/');
    expect(await url({}, ...lines)).toBe('http://c:1/');
    expect(await url({}, ...lines.slice(1))).toBe('http://c:2/');
  });

  it('have one each for http and https, and all_proxy for what has none', async () => {
    expect(await proxies({ http_proxy: 'http://h:1', https_proxy: 'https://s:2' })).toEqual([
      'http://h:1/',
      'https://s:2/',
      [],
    ]);
    expect(await proxies({ all_proxy: 'http://a:3' })).toEqual(['http://a:3/', 'http://a:3/', []]);
    expect(await proxies({ http_proxy: 'http://h:1' }, 'ALL_PROXY=http://a:3')).toEqual([
      'http://h:1/',
      'http://a:3/',
      [],
    ]);
    expect(await proxies({ https_proxy: 'http://s:2' })).toEqual([undefined, 'http://s:2/', []]);
  });

  it('need no scheme, as for curl, and keep their user and password', async () => {
    expect(await proxies({ http_proxy: ' proxy.example:3128 ' })).toEqual([
      'http://proxy.example:3128/',
      undefined,
      [],
    ]);
    expect(await proxies({ http_proxy: 'ana:p%40ss@proxy:3128' })).toEqual([
      'http://ana:p%40ss@proxy:3128/',
      undefined,
      [],
    ]);
  });

  it('are not used for the words of no_proxy, between commas or blanks', async () => {
    const environment = { http_proxy: 'p:1', NO_PROXY: ' a.example, .b.example  10.0.0.0/8,,*.c ' };
    expect((await proxies(environment))?.[2]).toEqual(['a.example', '.b.example', '10.0.0.0/8', '*.c']);
    expect((await proxies({ http_proxy: 'p:1' }, 'export no_proxy="x,y"'))?.[2]).toEqual(['x', 'y']);
  });

  it('are not what a request to a CGI script says in its header "Proxy"', async () => {
    const request = { REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil:1' };
    expect(await proxies(request)).toBeUndefined();
    expect(await proxies({ ...request, http_proxy: 'http://good:1' })).toEqual(['http://good:1/', undefined, []]);
    expect(await proxies({ HTTP_PROXY: 'http://p:1' })).toEqual(['http://p:1/', undefined, []]);
  });

  it.each([
    'socks5://ana:hunter2@p:1080',
    'http://ana:hunter2@',
    'ana:hunter2#x@p:1',
    'http://hunter2@p:99999',
    'ftp://hunter2',
  ])('that are none are told without anything of them (invariant 14): %s', async (text) => {
    expect(await problemsWith({ environment: { all_proxy: text } })).toEqual([
      'all_proxy in the environment: expected the address of a proxy such as http://proxy.example:3128',
    ]);
  });

  it.each(['https_proxy=http://ana:hunter2 x', 'export ALL_PROXY="http://ana:hunter2$x@p"', "http_proxy='hunter2"])(
    'that the config file spoils are told without anything of them (invariant 14): %s',
    async (line) => {
      const problems = await problemsWith({}, line);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(/_proxy: /i);
      expect(problems[0]).not.toContain('hunter2');
    },
  );
});

describe('whether to report', () => {
  it.each(['auto', 'on', 'off', ' on '])('is %j', async (text) => {
    expect((await load({ environment: { BIN_PROXY_REPORT: text } })).report).toBe(text.trim());
  });

  it.each(['yes', 'ON', 'always', '1'])('is not %j', async (text) => {
    expect(await problemsWith({ flags: { report: text } })).toEqual([
      `--report: expected auto, on or off, found ${JSON.stringify(text)}`,
    ]);
  });
});

describe('the minimum rate', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    [' 2048 ', 2048],
  ])('is %j bytes a second', async (text, rate) => {
    expect((await load({ environment: { BIN_PROXY_MIN_RATE: text } })).minRate).toBe(rate);
  });

  it.each(['-1', '1k', '1.5', 'none', '9999999999999'])('is not %j', async (text) => {
    expect(await problemsWith({ flags: { 'min-rate': text } })).toEqual([
      `--min-rate: expected a number of bytes, found ${JSON.stringify(text)}`,
    ]);
  });
});
