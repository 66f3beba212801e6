import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../src/platform/http-proxy.ts';

const PROXY = new URL('http://proxy.example:3128');
const OTHER = new URL('http://other.example:3128');

function asked(url: string, ...none: readonly string[]): 'straight' | 'proxy' {
  return proxyFor(new URL(url), { http: PROXY, https: PROXY, none }) === undefined ? 'straight' : 'proxy';
}

describe('the proxy of an address', () => {
  it('is that of its scheme, and of no other', () => {
    const proxies = { http: PROXY, https: OTHER, none: [] };
    expect(proxyFor(new URL('http://r.example/'), proxies)).toBe(PROXY);
    expect(proxyFor(new URL('https://r.example/'), proxies)).toBe(OTHER);
    expect(proxyFor(new URL('https://r.example/'), { http: PROXY, none: [] })).toBeUndefined();
  });

  it.each([
    'http://localhost/',
    'http://LOCALHOST.:80/',
    'https://a.localhost/',
    'http://127.0.0.1/',
    'http://127.9.9.9/',
    'http://[::1]:8080/',
  ])('is none for this host itself: %s', (url) => expect(asked(url)).toBe('straight'));

  it.each([
    'http://localhost.example/',
    'http://mylocalhost/',
    'http://128.0.0.1/',
    'http://[::2]/',
    'http://0.0.0.0/',
  ])('is there for what only looks like it: %s', (url) => expect(asked(url)).toBe('proxy'));
});

describe('no_proxy', () => {
  it.each<[string, string]>([
    ['*', 'http://anything.example/'],
    ['r.example', 'http://r.example/'],
    ['R.Example.', 'http://r.example./'],
    ['example', 'http://r.example/'],
    ['.example', 'http://r.example/'],
    ['.r.example', 'http://r.example/'],
    ['*.example', 'http://a.b.example/'],
    ['r.example:80', 'http://r.example/'],
    ['r.example:443', 'https://r.example/'],
    ['example:8080', 'http://r.example:8080/'],
    ['10.1.2.3', 'http://10.1.2.3/'],
    ['10.1.2.3:8080', 'http://10.1.2.3:8080/'],
    ['10.0.0.0/8', 'http://10.200.0.1/'],
    ['10.1.2.3/32', 'http://10.1.2.3/'],
    ['0.0.0.0/0', 'http://8.8.8.8/'],
    ['fd00::/8', 'http://[fd12::1]/'],
    ['fd00:0:0::1', 'http://[fd00::1]/'],
    ['[fd00::1]', 'http://[fd00::1]/'],
    ['[fd00::1]:8080', 'http://[fd00::1]:8080/'],
  ])('%s means %s', (word, url) => expect([asked(url, word), asked(url, 'x', word)]).toEqual(['straight', 'straight']));

  it.each<[string, string]>([
    ['r.example', 'http://xr.example/'],
    ['r.example', 'http://r.example.org/'],
    ['r.example:81', 'http://r.example/'],
    ['10.0.0.0/8', 'http://11.0.0.1/'],
    ['10.0.0.0/8', 'http://10.example/'],
    ['10.1.2.3', 'http://10.1.2.33/'],
    ['2.3', 'http://10.1.2.3/'],
    ['10.1.2.3:81', 'http://10.1.2.3/'],
    ['[fd00::1]:81', 'http://[fd00::1]/'],
    ['10.0.0.0/33', 'http://10.0.0.1/'],
    ['10.0.0.0/x', 'http://10.0.0.1/'],
    ['10.0.0.0/', 'http://10.0.0.1/'],
    ['fd00::/129', 'http://[fd00::1]/'],
    ['.', 'http://r.example/'],
    ['', 'http://r.example/'],
    ['[', 'http://r.example/'],
    ['(', 'http://r.example/'],
  ])('%s does not mean %s', (word, url) => expect(asked(url, word)).toBe('proxy'));
});
