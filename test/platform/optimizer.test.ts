import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { everyOf } from '../../src/platform/optimizer.ts';

const MODULE = new URL('../../dist/platform/optimizer.js', import.meta.url).href;
const MANY = Array.from({ length: 1_000 }, (_, index) => index);

/** What V8 says of its optimizing compiler while a program of a hot function runs. */
function optimized(program: string): readonly string[] {
  const hot = 'let sum = 0; const hot = (n) => { for (let i = 0; i < 1000; i++) sum += i % (n + 2); return true; };';
  const source = `import { everyOf } from '${MODULE}'; ${hot} const many = Array.from({ length: 5000 }, (_, n) => n);`;
  const args = ['--trace-opt', '--input-type=module', '-e', `${source} ${program}`];
  const told = execFileSync(process.execPath, args, { encoding: 'utf8' });
  return told.split('\n').filter((line) => line.includes(' hot ') && line.includes('TURBOFAN'));
}

describe('everyOf', () => {
  it.each([
    ['none', [], true],
    ['one that holds', [1], true],
    ['one that does not', [-1], false],
    ['many that hold', MANY, true],
    ['many, and the last does not hold', [...MANY, -1], false],
  ])('tells of %s', (_, items: readonly number[], expected) => {
    expect(everyOf(items, (item) => item >= 0)).toBe(expected);
  });

  it('asks no further than to the first that does not hold', () => {
    const asked: number[] = [];
    everyOf(MANY, (item) => asked.push(item) < 300);
    expect(asked).toHaveLength(300);
  });

  it('hands on what a check throws', () => {
    const fails = (item: number) => {
      if (item === 900) throw new Error('no stats');
      return true;
    };
    expect(() => everyOf(MANY, fails)).toThrow('no stats');
  });

  it('does without the optimizing compiler for many, and lets V8 have it again', () => {
    expect(optimized('for (const n of many) hot(n);')).not.toEqual([]);
    expect(optimized('everyOf(many.values(), (n) => n < 256 || hot(n));')).toEqual([]);
    expect(optimized('everyOf(many.values(), () => true); for (const n of many) hot(n);')).not.toEqual([]);
  });
});
