import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MaintenanceWindow } from '../../src/domain/manifest.ts';
import { clockText, isOpen, nextOpening } from '../../src/planning/window.ts';
import { readWindow } from '../../src/planning/window-text.ts';

const ZONE = process.env['TZ'];

/** Clocks there go forward on 2030-03-31 from 02:00 to 03:00, and back on 2030-10-27 from 03:00 to 02:00. */
beforeAll(() => {
  process.env['TZ'] = 'Europe/Berlin';
});
afterAll(() => {
  if (ZONE === undefined) delete process.env['TZ'];
  else process.env['TZ'] = ZONE;
});

function windowOf(text: string): MaintenanceWindow {
  const read = readWindow(text);
  if (read.kind === 'unread') throw new Error(read.problem);
  return { text, spans: read.spans };
}

describe('a window as it is written', () => {
  it.each<[string, readonly (readonly [days: string, from: number, to: number])[]]>([
    ['02:00-05:00', [['0123456', 120, 300]]],
    ['Mon 02:00-05:00', [['1', 120, 300]]],
    ['Mon-Fri 02:00-05:00', [['12345', 120, 300]]],
    ['Fri-Mon 00:00-24:00', [['0156', 0, 1440]]],
    ['Sat,Sun 00:00-06:30', [['06', 0, 390]]],
    ['Mon Wed Mon 22:00-04:00', [['13', 1320, 240]]],
    [
      ' Mon  01:00-02:00 ,\t03:00-04:00',
      [
        ['1', 60, 120],
        ['0123456', 180, 240],
      ],
    ],
  ])('is read: %s', (text, spans) => {
    expect(readWindow(text)).toEqual({
      kind: 'read',
      spans: spans.map(([days, from, to]) => ({ days: [...days].map(Number), from, to })),
    });
  });

  it.each([
    ['', 'found "" where a day (Mon, Mon-Fri) is expected'],
    ['always', 'found "always" where a day (Mon, Mon-Fri) is expected'],
    ['mon 02:00-03:00', 'found "mon" where a day (Mon, Mon-Fri) is expected'],
    ['Mon-Tue-Wed 02:00-03:00', 'found "Mon-Tue-Wed" where a day (Mon, Mon-Fri) is expected'],
    ['Mon 02:00-03:00,', 'found "" where a day (Mon, Mon-Fri) is expected'],
    ['02:00-03:00 Mon', 'found "02:00-03:00" where a day (Mon, Mon-Fri) is expected'],
    ['Mon', 'the last days have no times'],
    ['Mon 2:00-3:00', 'found "2:00-3:00" where times (02:00-05:00) are expected'],
    ['Mon 02:00-03:60', 'found "02:00-03:60" where times (02:00-05:00) are expected'],
    ['Mon 24:00-03:00', 'found "24:00-03:00" where times (02:00-05:00) are expected'],
    ['Mon 02:00-24:01', 'found "02:00-24:01" where times (02:00-05:00) are expected'],
    ['Mon 02:00', 'found "02:00" where times (02:00-05:00) are expected'],
    ['02:00-02:00', '"02:00-02:00" has no length (a whole day is 00:00-24:00)'],
  ])('is refused: %j', (text, problem) => {
    expect(readWindow(text)).toEqual({ kind: 'unread', problem });
  });
});

/** 2030-05-06 is a Monday. */
describe('a window by the clock on the wall', () => {
  it.each<[string, string, string]>([
    ['Mon-Fri 02:00-05:00', '2030-05-06T02:00', 'open'],
    ['Mon-Fri 02:00-05:00', '2030-05-06T04:59:59.999', 'open'],
    ['Mon-Fri 02:00-05:00', '2030-05-06T01:59:59.999', 'Mon 02:00 2030-05-06T00:00:00.000Z'],
    ['Mon-Fri 02:00-05:00', '2030-05-06T05:00', 'Tue 02:00 2030-05-07T00:00:00.000Z'],
    ['Mon-Fri 02:00-05:00', '2030-05-10T05:00', 'Mon 02:00 2030-05-13T00:00:00.000Z'],
    ['Mon 02:00-05:00', '2030-05-06T05:00', 'Mon 02:00 2030-05-13T00:00:00.000Z'],
    ['Fri 22:00-04:00', '2030-05-10T23:00', 'open'],
    ['Fri 22:00-04:00', '2030-05-11T03:59', 'open'],
    ['Fri 22:00-04:00', '2030-05-11T04:00', 'Fri 22:00 2030-05-17T20:00:00.000Z'],
    ['Fri 22:00-04:00', '2030-05-10T03:00', 'Fri 22:00 2030-05-10T20:00:00.000Z'],
    ['Sat,Sun 00:00-24:00', '2030-05-12T23:59', 'open'],
    ['Sat,Sun 00:00-24:00', '2030-05-13T00:00', 'Sat 00:00 2030-05-17T22:00:00.000Z'],
    ['Sun 22:00-04:00, Wed 03:30-04:00', '2030-05-07T12:00', 'Wed 03:30 2030-05-08T01:30:00.000Z'],
    ['22:00-06:00, 05:00-23:00', '2030-05-07T12:00', 'open'],
  ])('%s at %s: %s', (text, time, expected) => {
    expect(told(text, new Date(time))).toBe(expected);
  });

  it.each<[string, string, string, string]>([
    ['an hour that is left out', 'Sun 02:00-03:00', '2030-03-31T00:59Z', 'Sun 02:00 2030-04-07T00:00:00.000Z'],
    [
      'it is over when the clock has gone forward',
      'Sun 02:00-03:00',
      '2030-03-31T01:00Z',
      'Sun 02:00 2030-04-07T00:00:00.000Z',
    ],
    [
      'what begins in it opens when it is over',
      'Sun 02:30-05:00',
      '2030-03-31T00:59Z',
      'Sun 03:00 2030-03-31T01:00:00.000Z',
    ],
    ['what goes over it stays open', 'Sun 01:00-05:00', '2030-03-31T01:00Z', 'open'],
    ['before an hour that is told twice', 'Sun 02:00-03:00', '2030-10-26T23:59Z', 'Sun 02:00 2030-10-27T00:00:00.000Z'],
    ['told for the first time', 'Sun 02:00-03:00', '2030-10-27T00:59Z', 'open'],
    ['told for the second time', 'Sun 02:00-03:00', '2030-10-27T01:59Z', 'open'],
    ['and over', 'Sun 02:00-03:00', '2030-10-27T02:00Z', 'Sun 02:00 2030-11-03T01:00:00.000Z'],
  ])('when the clock is changed: %s', (_, text, time, expected) => {
    expect(told(text, new Date(time))).toBe(expected);
  });

  function told(text: string, now: Date): string {
    const window = windowOf(text);
    if (isOpen(window, now)) return 'open';
    const opens = nextOpening(window, now);
    return opens === undefined ? 'never' : `${clockText(opens)} ${opens.toISOString()}`;
  }
});
