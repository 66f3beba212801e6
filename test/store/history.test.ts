import { appendFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSince } from '../../src/cli/history-command.ts';
import { History } from '../../src/store/history.ts';
import { folder } from './folder.ts';

const LINE = {
  at: '2026-11-21T08:00:00.000Z',
  run: 'cafe',
  name: 'app',
  outcome: 'updated',
  reason: 'new-release',
  detail: 'proven to run',
  version: '2',
  to: 'md5:x',
  seconds: 1,
};

describe('the history', () => {
  const place = folder();

  it('says who asked, and reads the lines of an earlier version, which do not', async () => {
    const history = new History(place.path(), 'user ada');
    expect(await history.read()).toEqual({ lines: [], damaged: 0 });
    expect(await history.last()).toBeUndefined();
    writeFileSync(place.path('history.jsonl'), `${JSON.stringify(LINE)}\n`);
    await history.add({ ...LINE, name: 'tool' });
    const newest = { ...LINE, name: 'tool', by: 'user ada' };
    expect(await history.read()).toEqual({ lines: [LINE, newest], damaged: 0 });
    expect(await history.last()).toEqual(newest);
  });

  it('counts the lines that it cannot read, and goes on behind them', async () => {
    const bad = [
      '{"at":"2026-11',
      'null',
      JSON.stringify({ ...LINE, at: 'today' }),
      JSON.stringify({ ...LINE, by: 1 }),
    ];
    writeFileSync(place.path('history.jsonl'), `${bad.join('\n')}\n\n${JSON.stringify(LINE)}\n`);
    expect(await new History(place.path()).read()).toEqual({ lines: [LINE], damaged: 4 });
  });

  it('finds its last line in a long file', async () => {
    const long = `${JSON.stringify({ ...LINE, detail: 'x'.repeat(1000) })}\n`.repeat(200);
    writeFileSync(place.path('history.jsonl'), long);
    appendFileSync(place.path('history.jsonl'), `${JSON.stringify({ ...LINE, name: 'last' })}\n{"cut`);
    expect(await new History(place.path()).last()).toMatchObject({ name: 'last' });
  });
});

describe('--since', () => {
  const now = new Date('2026-11-21T08:00:00.000Z');

  it.each([
    ['90m', '2026-11-21T06:30:00.000Z'],
    ['7d', '2026-11-14T08:00:00.000Z'],
    ['2026-11-20', new Date(2026, 10, 20).toISOString()],
    ['2026-11-20T10:00+02:00', '2026-11-20T08:00:00.000Z'],
  ])('%s', (text, time) => {
    expect(readSince(text, now).toISOString()).toBe(time);
  });

  it.each(['yesterday', '7', '-1d', '2026-13-01', ''])('does not guess at "%s"', (text) => {
    expect(() => readSince(text, now)).toThrow('--since: expected a time or an age');
  });
});
