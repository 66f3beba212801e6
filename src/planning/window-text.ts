import type { WindowSpan } from '../domain/manifest.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6] as const;
const MIDNIGHT = 1440;
const TIMES = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/;

/** What somebody wrote, as spans; or what is wrong with it. */
export type ReadWindow =
  | { readonly kind: 'read'; readonly spans: readonly WindowSpan[] }
  | { readonly kind: 'unread'; readonly problem: string };

/** The name of a day as `Date.getDay` counts it. */
export function dayName(day: number): string {
  return DAYS[day] ?? '';
}

/**
 * Reads `Mon-Fri 02:00-05:00`, `22:00-04:00` (every day, until the next morning) and several of them with commas
 * between. A day without times belongs to the next part: `Sat,Sun 00:00-24:00`.
 */
export function readWindow(text: string): ReadWindow {
  const spans: WindowSpan[] = [];
  let days: number[] = [];
  for (const part of text.split(',').map((one) => one.trim())) {
    const words = part.split(/\s+/);
    const last = words.at(-1) ?? '';
    const times = last.includes(':') ? timesOf(last) : undefined;
    if (typeof times === 'string') return unread(times);
    for (const word of times === undefined ? words : words.slice(0, -1)) {
      const some = daysOf(word);
      if (some === undefined) return unread(`found ${JSON.stringify(word)} where a day (Mon, Mon-Fri) is expected`);
      days.push(...some);
    }
    if (times === undefined) continue;
    spans.push({ days: days.length === 0 ? EVERY_DAY : [...new Set(days)].sort(), ...times });
    days = [];
  }
  return days.length > 0 ? unread('the last days have no times') : { kind: 'read', spans };
}

function unread(problem: string): ReadWindow {
  return { kind: 'unread', problem };
}

/** `Fri-Mon` goes over the weekend. */
function daysOf(word: string): readonly number[] | undefined {
  const [first, last = first, ...more] = word.split('-').map((name) => DAYS.indexOf(name as (typeof DAYS)[number]));
  if (first === undefined || last === undefined || more.length > 0 || first === -1 || last === -1) return undefined;
  const count = ((last - first + 7) % 7) + 1;
  return Array.from({ length: count }, (_, index) => (first + index) % 7);
}

function timesOf(word: string): { readonly from: number; readonly to: number } | string {
  const [from, to] = [minutesOf(TIMES.exec(word)?.slice(1, 3)), minutesOf(TIMES.exec(word)?.slice(3, 5))];
  if (from === undefined || to === undefined || from === MIDNIGHT) {
    return `found ${JSON.stringify(word)} where times (02:00-05:00) are expected`;
  }
  if (from === to) return `${JSON.stringify(word)} has no length (a whole day is 00:00-24:00)`;
  return { from, to };
}

function minutesOf(numbers: readonly string[] | undefined): number | undefined {
  const [hour, minute] = (numbers ?? []).map(Number);
  if (hour === undefined || minute === undefined || minute > 59) return undefined;
  const minutes = hour * 60 + minute;
  return minutes <= MIDNIGHT ? minutes : undefined;
}
