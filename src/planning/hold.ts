import type { BinaryRecord, Hold } from '../domain/record.ts';

/** The hold that binds at this moment. */
export function holdInForce(record: BinaryRecord | undefined, now: Date): Hold | undefined {
  const hold = record?.hold;
  return hold?.until !== undefined && Date.parse(hold.until) <= now.getTime() ? undefined : hold;
}

/** `held until 2026-11-22T10:00Z by alice: before the audit`, the same in every place that shows it. */
export function holdText({ by, until, reason }: Hold): string {
  const limit = until === undefined ? '' : ` until ${until.slice(0, 16)}Z`;
  return `held${limit} by ${by}${reason === undefined ? '' : `: ${reason}`}`;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** ISO 8601, as far as people write it: a day, a minute, a second, and perhaps the zone. */
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * Reads a time (`2026-11-22T10:00`, of the host's zone where it names none) or how long it is until then (`30m`, `2h`,
 * `3d`, `1w`). Undefined for anything else, and for what no calendar has.
 */
export function timeFrom(text: string, now: Date): Date | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() + Number(count) * (UNITS[unit] ?? 0));
  if (!TIME.test(text)) return undefined;
  // A day alone would be read as one of Greenwich.
  const time = new Date(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
