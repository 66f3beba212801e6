import { basename, join, normalize } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBinaryName, isServiceName, isVersionName } from '../../src/domain/names.ts';

const LONGEST = 'a'.repeat(128);

/** Names that would leave their directory, forge a line, mean an option, or be two words. */
const HOSTILE = [
  '',
  '.',
  '..',
  '...',
  '.hidden',
  '-rf',
  '--help',
  'a/b',
  '/a',
  'a/',
  '../a',
  'a\\b',
  'a b',
  ' a',
  'a ',
  'a\n',
  '\na',
  'a\nb',
  'a\tb',
  'a\0',
  'a\u001b[31m',
  'a\u202eb',
  'a\u2028b',
  'é',
  'a?b',
  'a#b',
  'a%2fb',
  'a&b',
  'a;b',
  'a|b',
  'a$b',
  'a`b`',
  "a'b",
  'a"b',
  'a*',
  '*',
  'a@b',
  'a=b',
  'a'.repeat(129),
  'a'.repeat(200),
];

describe('the name of a binary', () => {
  it.each(['manager', 'a', '_', '9', 'A-b_c.d', 'x86_64', '7zip', 'a..b', 'node-v1.2.3', LONGEST])(
    'may be %s',
    (text) => {
      expect(isBinaryName(text)).toBe(true);
    },
  );

  it.each(HOSTILE)('must not be %j (invariant 10)', (text) => {
    expect(isBinaryName(text)).toBe(false);
  });

  it('must not be two words for a service manager (invariant 10)', () => {
    expect(isBinaryName('group:program')).toBe(false);
  });

  it('never leaves the directory it is joined to, whatever it is (invariant 10)', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 140 }),
      fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', '-', '_', ':', ' '), maxLength: 12 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        if (!isBinaryName(text)) return;
        expect(normalize(join('/usr/local/bin', text))).toBe(`/usr/local/bin/${text}`);
        expect(basename(text)).toBe(text);
        expect(encodeURIComponent(text)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the name of a service', () => {
  it.each(['manager', 'web:app', 'web:*', 'all:app', 'web:all', 'allow', 'ALL', `${LONGEST}:${LONGEST}`])(
    'may be %s',
    (text) => {
      expect(isServiceName(text)).toBe(true);
    },
  );

  it.each(HOSTILE)('must not be %j (invariant 10)', (text) => {
    expect(isServiceName(text)).toBe(false);
  });

  it.each(['all', ':', 'a:', ':a', 'a:b:c', 'a:-b', 'a:..', 'a:b/c', 'a: b', 'a:**', 'a:*b', '*:a', 'a:b\n'])(
    'must not be %j, which supervisorctl would take for something else (invariant 10)',
    (text) => {
      expect(isServiceName(text)).toBe(false);
    },
  );

  it('is one word to supervisorctl, and neither an option nor every program there is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'l', ':', '*', '-', ' ', '.'), maxLength: 6 }), (text) => {
        if (!isServiceName(text)) return;
        expect(text).toMatch(/^[^\s-]\S*$/);
        expect(text).not.toBe('all');
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a version', () => {
  it.each(['latest', '1.4.2', '1.4.2-rc.1+build~5', '20300506', '_', LONGEST])('may be %s', (text) => {
    expect(isVersionName(text)).toBe(true);
  });

  it.each(HOSTILE)('must not be %j (invariant 10)', (text) => {
    expect(isVersionName(text)).toBe(false);
  });

  it.each(['~1', '+1', '1:2', '1/2', '1,2'])('must not be %j (invariant 10)', (text) => {
    expect(isVersionName(text)).toBe(false);
  });
});
