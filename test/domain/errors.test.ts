import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { errorText, RunError, systemCode, UpdateError } from '../../src/domain/errors.ts';

describe('an error as one line', () => {
  it('tells its causes, from the outermost to the innermost', () => {
    const inner = new Error('connect ECONNREFUSED 127.0.0.1:1');
    const outer = new Error('fetch failed', { cause: inner });
    expect(errorText(outer)).toBe('fetch failed: connect ECONNREFUSED 127.0.0.1:1');
  });

  it('does not say the same twice', () => {
    const inner = new Error('no space left');
    expect(errorText(new Error('cannot stage: no space left', { cause: inner }))).toBe('cannot stage: no space left');
  });

  it('tells every error of an aggregate, also where its own message is empty', () => {
    const both = new AggregateError([new Error('refused on ::1'), new Error('refused on 127.0.0.1')], '');
    expect(errorText(both)).toBe('refused on ::1; refused on 127.0.0.1');
  });

  it.each<[unknown, string]>([
    [new Error(''), 'Error'],
    [new TypeError(''), 'TypeError'],
    ['a word', 'a word'],
    [undefined, 'undefined'],
    [7, '7'],
  ])('is never empty: %s', (error, text) => {
    expect(errorText(error)).toBe(text);
  });

  it('ends, also where an error is its own cause', () => {
    const error = new Error('round');
    error.cause = error;
    expect(errorText(error)).toBe('round');
  });

  it('says nothing of the properties of an error: a client keeps headers there (invariant 14)', () => {
    const error = Object.assign(new Error('HTTP 500'), { request: { headers: { authorization: 'Bearer secret' } } });
    expect(inspect(error)).toContain('secret');
    expect(errorText(error)).toBe('HTTP 500');
  });
});

describe('the two families of errors', () => {
  it('keep the cause and the hint', () => {
    const cause = new Error('EACCES');
    const run = new RunError('no-permission', 'cannot lock', { cause, hint: 'Run as root.' });
    expect(run).toMatchObject({
      name: 'RunError',
      code: 'no-permission',
      message: 'cannot lock',
      cause,
      hint: 'Run as root.',
    });
    const update = new UpdateError({ reason: 'no-space', fault: 'host' }, 'full', { cause });
    expect(update).toMatchObject({ name: 'UpdateError', reason: 'no-space', fault: 'host', message: 'full', cause });
    expect(update.hint).toBeUndefined();
  });
});

describe('the code of a system error', () => {
  it.each<[unknown, string | undefined]>([
    [Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
    [Object.assign(new Error('x'), { code: 7 }), undefined],
    [new Error('x'), undefined],
    [{ code: 'ENOENT' }, undefined],
    [undefined, undefined],
  ])('%s: %s', (error, code) => {
    expect(systemCode(error)).toBe(code);
  });
});
