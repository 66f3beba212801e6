import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpdateError } from '../../src/domain/errors.ts';
import { readDigests } from '../../src/sources/bin-manager-each.ts';

const MD5 = '0123456789abcdef0123456789abcdef';
const SHA256 = MD5 + MD5;
const FROM = 'http://releases.example/md5';

function readAll(answer: unknown) {
  return readDigests(typeof answer === 'string' ? answer : JSON.stringify(answer), FROM);
}

function read(answer: unknown) {
  return readAll(answer)[0];
}

function trouble(answer: unknown): UpdateError {
  try {
    read(answer);
  } catch (error) {
    if (error instanceof UpdateError) return error;
    throw error;
  }
  throw new Error('expected no digest');
}

describe('a digest is read tolerantly', () => {
  it.each([
    [{ code: 0, message: 'success', data: { md5: MD5 } }, 'md5', MD5],
    [{ data: { md5: MD5 } }, 'md5', MD5],
    [{ md5: MD5 }, 'md5', MD5],
    [{ code: 200, md5: MD5 }, 'md5', MD5],
    [{ data: { sha256: SHA256 } }, 'sha256', SHA256],
    [{ sha256sum: SHA256 }, 'sha256', SHA256],
    [{ data: { hash: MD5 } }, 'md5', MD5],
    [{ data: { hash: SHA256 } }, 'sha256', SHA256],
    [{ hash: SHA256.toUpperCase() }, 'sha256', SHA256],
    [{ data: { md5: ` ${MD5.toUpperCase()}\r\n` } }, 'md5', MD5],
    [{ data: { md5: null }, md5: MD5 }, 'md5', MD5],
    [{ data: null, md5: MD5 }, 'md5', MD5],
    [{ data: [], md5: MD5 }, 'md5', MD5],
    [{ data: 'none', md5: MD5 }, 'md5', MD5],
    [{ data: { sha256: SHA256, extra: 1 }, extra: {} }, 'sha256', SHA256],
    [` \n{"md5":"${MD5}"}\n`, 'md5', MD5],
  ])('%j', (answer, algorithm, hex) => {
    expect(read(answer)).toEqual({ algorithm, hex });
  });

  it('and what is under data comes first', () => {
    expect(read({ md5: 'f'.repeat(32), data: { md5: MD5 } }).hex).toBe(MD5);
  });
});

describe('several digests of one file', () => {
  const md5 = { algorithm: 'md5', hex: MD5 };
  const sha256 = { algorithm: 'sha256', hex: SHA256 };

  it.each<[unknown, unknown]>([
    [{ md5: MD5, sha256: SHA256 }, [sha256, md5]],
    [{ data: { md5: MD5 }, sha256sum: SHA256 }, [sha256, md5]],
    [{ hash: MD5, sha256: SHA256 }, [sha256, md5]],
    [{ hash: SHA256, md5: MD5 }, [md5, sha256]],
    [{ md5: MD5, hash: MD5.replace('0', '1'), sha256: SHA256, sha256sum: SHA256 }, [sha256, md5]],
    // A server that does not know one of them says so with an empty text.
    [{ md5: MD5, sha256: '' }, [md5]],
    // What another one is, is nobody's trouble.
    [{ md5: MD5, hash: 'v1.4.2-3-gabc' }, [md5]],
    [{ md5: 'none', sha256: SHA256 }, [sha256]],
  ])('are all kept, the strongest first: %j', (answer, digests) => {
    expect(readAll(answer)).toEqual(digests);
  });

  it.each<[unknown, string]>([
    [{ md5: MD5, sha256: 'abc' }, `${FROM} gives the sha256 "abc", expected hex`],
    [{ md5: 'd41d8cd98f00b204e9800998ecf8427e', sha256: SHA256 }, `${FROM} offers an empty file`],
    [{ md5: '', sha256: '' }, `${FROM} gives the sha256 "", expected hex`],
  ])('are refused where the strongest is wrong, or one of them is of nothing: %j', (answer, message) => {
    expect(trouble(answer).message).toBe(message);
  });

  it('a value nested too deep to be shown is a bad answer like any other', () => {
    const deep = `{"md5":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    expect(trouble(deep)).toMatchObject({
      reason: 'bad-answer',
      message: `${FROM} gives the md5 a deep list, expected hex`,
    });
  });
});

describe('a digest is decided strictly', () => {
  it.each<[unknown, string]>([
    ['', `${FROM} does not answer in JSON: found ""`],
    ['<html><body>502 Bad Gateway', `${FROM} does not answer in JSON: found "<html><body>502 Bad Gateway"`],
    [MD5, `${FROM} does not answer in JSON: found "${MD5}"`],
    ['[]', `${FROM} answers without an object: found "[]"`],
    ['null', `${FROM} answers without an object: found "null"`],
    [`"${MD5}"`, `${FROM} answers without an object: found "\\"${MD5}\\""`],
    [{ code: 500, md5: MD5 }, `${FROM} answers with code 500, expected 0`],
    [
      { code: 500, message: 'database is down', md5: MD5 },
      `${FROM} answers with code 500, "database is down", expected 0`,
    ],
    [{ code: '0', md5: MD5 }, `${FROM} answers with code "0", expected 0`],
    [{ code: null, md5: MD5 }, `${FROM} answers with code null, expected 0`],
    [{ code: false, md5: MD5 }, `${FROM} answers with code false, expected 0`],
    [{ code: 1 }, `${FROM} answers with code 1, expected 0`],
    [{}, `${FROM} answers without a digest: expected {"code":0,"data":{"md5":"…"}}, found "{}"`],
    [
      { data: { MD5 } },
      `${FROM} answers without a digest: expected {"code":0,"data":{"md5":"…"}}, found "{\\"data\\":{\\"MD5\\":\\"${MD5}\\"}}"`,
    ],
    [{ data: { md5: '' } }, `${FROM} gives the md5 "", expected hex`],
    [{ data: { md5: MD5.slice(1) } }, `${FROM} gives the md5 "${MD5.slice(1)}", expected hex`],
    [{ md5: SHA256 }, `${FROM} gives the md5 "${SHA256}", expected hex`],
    [{ sha256: MD5 }, `${FROM} gives the sha256 "${MD5}", expected hex`],
    [{ hash: 'abc' }, `${FROM} gives the hash "abc", expected hex`],
    [{ md5: 7 }, `${FROM} gives the md5 7, expected hex`],
    [{ md5: true }, `${FROM} gives the md5 true, expected hex`],
    [{ md5: [MD5] }, `${FROM} gives the md5 ["${MD5}"], expected hex`],
    [{ md5: { value: MD5 } }, `${FROM} gives the md5 {"value":"${MD5}"}, expected hex`],
    [{ md5: 'd41d8cd98f00b204e9800998ecf8427e' }, `${FROM} offers an empty file`],
    [{ sha256: 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855' }, `${FROM} offers an empty file`],
  ])('%j', (answer, message) => {
    const error = trouble(answer);
    expect(error).toMatchObject({
      reason: 'bad-answer',
      fault: 'transfer',
      message,
      hint: 'Is BIN_MANAGER_API the address of a bin-manager?',
    });
  });

  it('and shows no more than the beginning of what was found', () => {
    expect(trouble(`<html>${'x'.repeat(10_000)}`).message.length).toBeLessThan(200);
    expect(trouble({ md5: 'x'.repeat(10_000) }).message.length).toBeLessThan(200);
    expect(trouble({ md5: ['x'.repeat(10_000)] }).message.length).toBeLessThan(200);
    expect(trouble({ code: 1, message: 'x'.repeat(10_000) }).message.length).toBeLessThan(400);
    expect(trouble({ code: 'x'.repeat(10_000) }).message.length).toBeLessThan(200);
  });
});

describe('any answer', () => {
  const hex = fc.constantFrom(
    MD5,
    SHA256,
    MD5.toUpperCase(),
    ` ${MD5}\n`,
    'd41d8cd98f00b204e9800998ecf8427e',
    '',
    'abc',
  );
  const part = fc.record(
    {
      md5: fc.oneof(hex, fc.jsonValue()),
      sha256: fc.oneof(hex, fc.jsonValue()),
      sha256sum: fc.oneof(hex, fc.jsonValue()),
      hash: fc.oneof(hex, fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const answers = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record(
        { code: fc.oneof(fc.constantFrom(0, 200), fc.jsonValue()), data: fc.oneof(part, fc.jsonValue()) },
        { requiredKeys: [] },
      )
      .chain((answer) => part.map((top) => JSON.stringify({ ...answer, ...top }))),
  );

  it('gives a valid digest of something, or an UpdateError, and nothing else', () => {
    fc.assert(
      fc.property(answers, (text) => {
        let digests: ReturnType<typeof readDigests>;
        try {
          digests = readDigests(text, FROM);
        } catch (error) {
          expect(error).toMatchObject({ name: 'UpdateError', reason: 'bad-answer', fault: 'transfer' });
          return;
        }
        for (const digest of digests) {
          expect(digest.hex).toMatch(digest.algorithm === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
          expect(digest.hex).not.toMatch(/^(d41d8cd98f00b204|e3b0c44298fc1c149a)/);
          expect(text.toLowerCase()).toContain(digest.hex);
        }
        expect(new Set(digests.map(({ algorithm }) => algorithm)).size).toBe(digests.length);
      }),
      { numRuns: 2_000 },
    );
  });
});
