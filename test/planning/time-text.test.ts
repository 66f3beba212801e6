import { describe, expect, it } from 'vitest';
import { timeFrom } from '../../src/planning/time-text.ts';
import { minutesFromNow, NOW } from './builders.ts';

describe('a time that somebody writes', () => {
  it.each<[string, string | undefined]>([
    ['30m', minutesFromNow(30)],
    ['2h', minutesFromNow(120)],
    ['3d', minutesFromNow(3 * 1440)],
    ['1w', minutesFromNow(7 * 1440)],
    ['2030-05-07T10:00Z', '2030-05-07T10:00:00.000Z'],
    ['2030-05-07T10:00+02:00', '2030-05-07T08:00:00.000Z'],
    ['2030-05-07', new Date(2030, 4, 7).toISOString()],
    ['2030-05-07 10:00', new Date(2030, 4, 7, 10).toISOString()],
    ['2030-13-07', undefined],
    ['tomorrow', undefined],
    ['2', undefined],
    ['1.5h', undefined],
    ['-2h', undefined],
    ['', undefined],
  ])('"%s" is %s', (text, time) => {
    expect(timeFrom(text, NOW, 'ahead')?.toISOString()).toBe(time);
  });

  it.each([
    ['90m', minutesFromNow(-90)],
    ['7d', minutesFromNow(-7 * 1440)],
    ['2030-05-07T10:00Z', '2030-05-07T10:00:00.000Z'],
  ])('"%s", of the past, is %s', (text, time) => {
    expect(timeFrom(text, NOW, 'ago')?.toISOString()).toBe(time);
  });
});
