import { describe, expect, it } from 'vitest';
import { type Action, judgeFile, judgeRemoval } from '../../src/cli/install/judge.ts';

describe('a file that is to be installed', () => {
  it.each<[found: string | undefined, written: string | undefined, wanted: string, action: Action, seed: Action]>([
    [undefined, undefined, 'new', 'write', 'write'],
    [undefined, 'old', 'new', 'skip', 'skip'],
    ['new', undefined, 'new', 'same', 'same'],
    ['new', 'old', 'new', 'same', 'same'],
    ['old', 'old', 'new', 'update', 'keep'],
    ['mine', 'new', 'new', 'keep', 'keep'],
    ['mine', 'old', 'new', 'offer', 'keep'],
    ['mine', undefined, 'new', 'offer', 'keep'],
  ])('that is %s, was written as %s, and would be %s: %s', (found, written, wanted, action, seed) => {
    expect(judgeFile({ found, written, wanted }, 'shipped')).toBe(action);
    expect(judgeFile({ found, written, wanted }, 'seed')).toBe(seed);
  });

  it.each([
    ['ours', 'ours', 'remove'],
    ['mine', 'ours', 'keep'],
    [undefined, 'ours', 'gone'],
  ])('and was %s, written as %s, is then: %s', (found, written, verdict) => {
    expect(judgeRemoval(found, written)).toBe(verdict);
  });
});
