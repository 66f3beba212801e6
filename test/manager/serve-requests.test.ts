import fc from 'fast-check';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { ManagerError, type ManagerErrorCode } from '../../src/manager/errors.ts';
import { isLoopback, listenAddress, listenText } from '../../src/manager/listen-address.ts';
import { staticAddress } from '../../src/manager/server/addresses.ts';
import { judge, validators, wantedPart } from '../../src/manager/server/conditions.ts';
import { parseTokens, presentedToken, Tokens } from '../../src/manager/server/tokens.ts';
import { sendTrouble } from '../../src/manager/server/trouble.ts';

const known = validators(1_700_000_000_123, 1000);
const TOKEN = 't'.repeat(32);

describe('a refusal', () => {
  it('names no flag that whoever sends the request could set', async () => {
    const app = fastify();
    app.setErrorHandler((error, request, reply) => sendTrouble(error, request, reply));
    app.get('/:code', (request) => {
      const { code } = request.params as { readonly code: ManagerErrorCode };
      throw new ManagerError(code, 'no', { hint: 'Correct --platform, use --force, or wait longer with --wait.' });
    });
    const hints = ['conflict', 'busy'].map(
      async (code) => (await app.inject(`/${code}`)).json<{ hint: string }>().hint,
    );
    expect(await Promise.all(hints)).toEqual([
      'Correct ?platform=, use ?force=1, or wait longer with --wait.',
      'Nothing was changed. Send it again.',
    ]);
    const busy = await app.inject('/busy');
    expect([busy.statusCode, busy.headers['retry-after'], busy.headers['content-type']]).toEqual([
      503,
      '5',
      'application/json',
    ]);
  });
});

describe('addresses', () => {
  it('never lead out of their directory, whatever is asked for (invariant 10)', () => {
    const word = fc.constantFrom(
      '..',
      '.',
      '%2e%2e',
      '%2f',
      '/',
      '',
      'app',
      '%00',
      '\\',
      'md5',
      'artifacts',
      '%',
      'é',
      '~',
      '+',
    );
    const top = fc.constantFrom('/api/v1/', '/', '/api/v1/releases/', '/bins/', '/download/', '//');
    fc.assert(
      fc.property(top, fc.array(fc.oneof(word, fc.string()), { maxLength: 6 }), (start, words) => {
        const path = staticAddress(`${start}${words.join('/')}`)?.path ?? 'index.json';
        expect(path).toMatch(/^[A-Za-z0-9._+~/-]+$/);
        for (const segment of path.split('/')) expect(segment).toMatch(/^[A-Za-z0-9_]/);
      }),
      { numRuns: 2000 },
    );
  });

  it('are those of the store', () => {
    expect(staticAddress('/api/v1/releases/1.0/app/linux-arm64/md5')).toEqual({
      kind: 'digest',
      path: 'releases/1.0/app/linux-arm64/md5',
    });
    expect(staticAddress('/download/app')).toEqual({ kind: 'download', path: 'download/app' });
    expect(staticAddress('/index.json')).toBeUndefined();
    expect(staticAddress('/api/v1/../catalog/app.json')).toBeUndefined();
  });
});

describe('a range', () => {
  it('is within the file, or there is none', () => {
    const number = fc.oneof(fc.nat(2000).map(String), fc.constant(''), fc.string());
    fc.assert(
      fc.property(number, number, fc.integer({ min: 1, max: 1500 }), (first, last, size) => {
        const part = wantedPart({ range: `bytes=${first}-${last}` }, known, size);
        if (part === undefined || part === 'none') return;
        expect(part.start).toBeGreaterThanOrEqual(0);
        expect(part.start).toBeLessThanOrEqual(part.end);
        expect(part.end).toBeLessThan(size);
      }),
    );
  });

  it('is the one that was asked for', () => {
    const part = (range: string) => wantedPart({ range }, known, 1000);
    expect(part('bytes=1-2')).toEqual({ start: 1, end: 2 });
    expect(part('bytes=-1')).toEqual({ start: 999, end: 999 });
    expect(part('bytes=999-')).toEqual({ start: 999, end: 999 });
    expect(part('bytes=1000-')).toBe('none');
    expect(part('bytes=0-1,3-4')).toBeUndefined();
  });
});

describe('a condition', () => {
  it('finds its tag in any list, and no other one', () => {
    const tags = fc.array(fc.stringMatching(/^[a-z0-9-]{1,8}$/).map((text) => `"${text}"`));
    fc.assert(
      fc.property(tags, fc.nat(5), (others, at) => {
        fc.pre(!others.includes(known.etag));
        expect(judge({ 'if-none-match': others.join(', ') }, known)).toBe('send');
        const list = others.toSpliced(at, 0, `W/${known.etag}`).join(',');
        expect(judge({ 'if-none-match': list }, known)).toBe('not-modified');
        expect(judge({ 'if-match': list }, known)).toBe('precondition-failed');
      }),
    );
  });

  it('of a tag stands above that of a date (RFC 9110 section 13.2.2)', () => {
    expect(judge({ 'if-none-match': '"x"', 'if-modified-since': known.modified }, known)).toBe('send');
    expect(judge({ 'if-none-match': known.etag, 'if-modified-since': 'never' }, known)).toBe('not-modified');
  });
});

describe('a token file', () => {
  it('is read, with tokens as they are or as digests', () => {
    const hex = '0a'.repeat(32);
    const { holders, problems } = parseTokens(`# all\n\n ci  publish,report ${TOKEN}\r\nhosts read sha256:${hex}\n`);
    expect(problems).toEqual([]);
    expect(holders.map(({ name, rights }) => [name, [...rights]])).toEqual([
      ['ci', ['publish', 'report']],
      ['hosts', ['read']],
    ]);
    const tokens = new Tokens(holders);
    expect(tokens.holderOf(TOKEN)?.name).toBe('ci');
    expect(tokens.holderOf(hex)).toBeUndefined();
    expect(tokens.holderOf(`sha256:${hex}`)).toBeUndefined();
  });

  it('is refused with the line, and without the token (invariant 14)', () => {
    const bad = [
      'ci publish short',
      `ci ${TOKEN}`,
      `ci write ${TOKEN}`,
      `../x publish ${TOKEN}`,
      `a publish ${TOKEN} b`,
    ];
    for (const line of bad) {
      const { problems } = parseTokens(`\n${line}\n`);
      expect([line, problems]).toEqual([line, [expect.stringMatching(/^line 2: expected /)]]);
      expect(problems.join()).not.toContain(TOKEN);
    }
    expect(parseTokens(`a publish ${TOKEN}\nb read ${TOKEN}`).problems).toEqual([
      'line 2: the token stands there twice',
    ]);
  });

  it('is presented as a bearer or as a password', () => {
    expect(presentedToken(`bearer ${TOKEN}`)).toBe(TOKEN);
    expect(presentedToken(`Basic ${Buffer.from(`me:a:${TOKEN}`).toString('base64')}`)).toBe(`a:${TOKEN}`);
    for (const header of [undefined, '', 'Bearer', `Digest ${TOKEN}`]) expect(presentedToken(header)).toBeUndefined();
  });
});

describe('where to listen', () => {
  it('is read and written again', () => {
    for (const text of ['127.0.0.1:8080', '[::1]:1', 'localhost:65535', '[::]:0']) {
      const address = listenAddress(text);
      expect(address && listenText(address)).toBe(text);
    }
    expect(listenAddress(':80')).toEqual({ host: '::', port: 80 });
    for (const text of ['', '8080', 'a:65536', 'a b:1', '::1:80', 'a:', 'a:-1'])
      expect(listenAddress(text)).toBeUndefined();
    expect(['127.8.9.1:1', '[::1]:1', '0.0.0.0:1'].map((text) => isLoopback(listenAddress(text) as never))).toEqual([
      true,
      true,
      false,
    ]);
  });
});
