import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Digest,
  digestFromHex,
  digestFromText,
  digestText,
  isDigestOfNothing,
  sameDigest,
  shortDigest,
} from '../../src/domain/digest.ts';

const MD5 = '0123456789abcdef0123456789abcdef';
const SHA256 = MD5 + MD5;

const algorithms = fc.constantFrom('md5' as const, 'sha256' as const);
const digests: fc.Arbitrary<Digest> = algorithms.chain((algorithm) => {
  const length = algorithm === 'md5' ? 32 : 64;
  return fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => ({ algorithm, hex: digits.join('') }));
});
const blanks = fc.constantFrom('', ' ', '\t', '\n', '\r\n', '  \n ');

describe('a digest in hex', () => {
  it.each([
    ['md5', MD5],
    ['md5', MD5.toUpperCase()],
    ['md5', `  ${MD5}\r\n`],
    ['sha256', SHA256],
    ['sha256', `\t${SHA256.toUpperCase()} `],
  ] as const)('is read, in any case and with blanks around it: %s %j', (algorithm, text) => {
    expect(digestFromHex(algorithm, text)).toEqual({ algorithm, hex: text.trim().toLowerCase() });
  });

  it.each([
    ['md5', ''],
    ['md5', '   '],
    ['md5', MD5.slice(1)],
    ['md5', `${MD5}0`],
    ['md5', SHA256],
    ['sha256', MD5],
    ['md5', `${MD5.slice(0, 31)}g`],
    ['md5', `${MD5.slice(0, 15)} ${MD5.slice(16)}`],
    ['md5', `0x${MD5.slice(2)}`],
    ['md5', `${MD5.slice(0, 31)}\u0660`],
    ['md5', `"${MD5.slice(2)}"`],
  ] as const)('is nothing else: %s %j', (algorithm, text) => {
    expect(digestFromHex(algorithm, text)).toBeUndefined();
  });

  it('is never made from text that is not exactly it', () => {
    fc.assert(
      fc.property(algorithms, fc.string({ maxLength: 80 }), (algorithm, text) => {
        const digest = digestFromHex(algorithm, text);
        if (digest !== undefined) expect(digest.hex).toMatch(algorithm === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
      }),
    );
  });
});

describe('a digest as text', () => {
  it.each([
    [`md5:${MD5}`, { algorithm: 'md5', hex: MD5 }],
    [`sha256:${SHA256}`, { algorithm: 'sha256', hex: SHA256 }],
    [`sha256:${MD5}`, undefined],
    [`sha1:${MD5}`, undefined],
    [`MD5:${MD5}`, undefined],
    [MD5, undefined],
    [`:${MD5}`, undefined],
    ['md5:', undefined],
    ['', undefined],
    [`md5:${MD5}+md5:${MD5}`, undefined],
    [`toString:${MD5}`, undefined],
  ])('%j', (text, digest) => {
    expect(digestFromText(text)).toEqual(digest);
  });

  it('comes back from its text, whatever case and blanks it went through', () => {
    fc.assert(
      fc.property(digests, blanks, blanks, (digest, before, after) => {
        expect(digestFromText(digestText(digest))).toEqual(digest);
        expect(digestFromHex(digest.algorithm, `${before}${digest.hex.toUpperCase()}${after}`)).toEqual(digest);
      }),
    );
  });
});

describe('two digests', () => {
  it('are the same where algorithm and value are', () => {
    expect(sameDigest({ algorithm: 'md5', hex: MD5 }, { algorithm: 'md5', hex: MD5 })).toBe(true);
    expect(sameDigest({ algorithm: 'md5', hex: MD5 }, { algorithm: 'md5', hex: MD5.replace('0', '1') })).toBe(false);
    expect(sameDigest({ algorithm: 'md5', hex: MD5 }, { algorithm: 'sha256', hex: MD5 })).toBe(false);
  });

  it('are told apart by a person from their first eight digits', () => {
    expect(shortDigest({ algorithm: 'md5', hex: MD5 })).toBe('01234567');
  });
});

describe('the digest of nothing', () => {
  it.each([
    ['md5', 'd41d8cd98f00b204e9800998ecf8427e', true],
    ['sha256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', true],
    ['md5', MD5, false],
    ['sha256', SHA256, false],
  ] as const)('%s %s: %s', (algorithm, hex, nothing) => {
    expect(isDigestOfNothing({ algorithm, hex })).toBe(nothing);
  });
});
