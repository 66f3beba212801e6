const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** ISO 8601, as far as people write it: a day, a minute, a second, and perhaps the zone. */
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * Reads a time (`2026-11-22T10:00`, of the host's zone where it names none), or how long it is until then, or since
 * (`90s`, `30m`, `2h`, `3d`, `1w`). Undefined for anything else, and for what no calendar has.
 */
export function timeFrom(text: string, now: Date, direction: 'ahead' | 'ago'): Date | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) {
    const ms = Number(count) * (UNITS[unit] ?? 0);
    return new Date(now.getTime() + (direction === 'ahead' ? ms : -ms));
  }
  if (!TIME.test(text)) return undefined;
  // A day alone would be read as one of Greenwich.
  const time = new Date(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
