import { styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fitted } from '../../src/cli/fitted.ts';
import { folded } from '../../src/cli/fold.ts';

describe('a line that is too wide for the terminal', () => {
  it('goes on below its last column', () => {
    expect(folded('[warn]  log  nothing is logged yet, and nothing rotates it', 40)).toEqual([
      '[warn]  log  nothing is logged yet, and',
      '             nothing rotates it',
    ]);
  });

  it('goes on a little to the right of its beginning where that column is too far right', () => {
    expect(folded('  manager  updated  41885a3b -> 62d49595  new release; proven', 50)).toEqual([
      '  manager  updated  41885a3b -> 62d49595  new',
      '      release; proven',
    ]);
    expect(folded('a sentence without any columns in it', 20)).toEqual([
      'a sentence without',
      '    any columns in',
      '    it',
    ]);
  });

  it('is left as it is where a word alone is too long: a path is copied as one', () => {
    const path = `/var/lib/${'x'.repeat(40)}`;
    expect(folded(`evidence  ${path} is kept`, 40)).toEqual([`evidence  ${path}`, '          is kept']);
  });

  it('is not made longer by its colours, and is left alone where it fits', () => {
    const red = styleText('red', 'twelve chars', { validateStream: false });
    expect(folded(`${red} and more`, 21)).toEqual([`${red} and more`]);
    expect(folded('', 40)).toEqual(['']);
  });
});

describe('a table that is too wide for the terminal', () => {
  const rows = [
    ['NAME', 'DIGEST', 'STATE', 'KEPT'],
    ['manager', '41885a3b', 'quarantined', '2'],
  ];

  it('goes without what may be spared, in that order, and without no more than it must', () => {
    expect(fitted(rows, ['KEPT', 'DIGEST'], 36)).toEqual(rows);
    expect(fitted(rows, ['KEPT', 'DIGEST'], 35)).toEqual(rows.map((row) => row.slice(0, 3)));
    expect(fitted(rows, ['KEPT', 'DIGEST'], 20)).toEqual(rows.map(([name, , state]) => [name, state]));
    expect(fitted(rows, ['KEPT', 'DIGEST'], 5)[0]).toEqual(['NAME', 'STATE']);
  });

  it('is whole where nobody watches', () => {
    expect(fitted(rows, ['KEPT', 'DIGEST'], undefined)).toEqual(rows);
  });
});
