import { describe, expect, it } from 'vitest';
import { isKeepaliveDue } from '../../src/planning/keepalive.ts';

const HOUR = Date.parse('2026-11-21T10:00:00Z');
const minutes = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => new Date(from + i * 60_000 + 31_337));

describe('a keep-alive', () => {
  it.each([0, 0.2, 0.5, 0.999_999])('is due once in fifteen minutes, wherever one begins to count: %d', (draw) => {
    for (const from of [HOUR, HOUR + 7 * 60_000, 0, Date.parse('2030-02-28T23:59:00Z')]) {
      expect(minutes(from, 15).filter((now) => isKeepaliveDue(draw, now))).toHaveLength(1);
      expect(minutes(from, 1_440).filter((now) => isKeepaliveDue(draw, now))).toHaveLength(96);
    }
  });

  it('is due for the whole of its minute, and in no other', () => {
    const due = ['10:02:59.999', '10:03:00.000', '10:03:59.999', '10:04:00.000'].map((time) =>
      isKeepaliveDue(3 / 15, new Date(`2026-11-21T${time}Z`)),
    );
    expect(due).toEqual([false, true, true, false]);
  });

  it('spreads a fleet evenly over the minutes', () => {
    const draws = Array.from({ length: 1_500 }, (_, i) => i / 1_500);
    for (const now of minutes(HOUR, 15)) expect(draws.filter((draw) => isKeepaliveDue(draw, now))).toHaveLength(100);
  });
});
