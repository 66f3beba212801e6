import type { MaintenanceWindow, WindowSpan } from '../domain/manifest.ts';
import { dayName } from './window-text.ts';

const MINUTE_MS = 60_000;
/** The clocks of no zone are ever put forward by more. */
const LONGEST_SHIFT_MINUTES = 180;
/** A window of one day a week that falls into the hour which is left out in spring opens a week later. */
const DAYS_AHEAD = 15;

/**
 * Whether it is open by the host's clock. The clock on the wall counts: in the night in which an hour is told twice a
 * window in it is open twice, and in the one in which an hour is left out a window in it is not.
 */
export function isOpen(window: MaintenanceWindow, now: Date): boolean {
  return window.spans.some((span) => isWithin(span, now));
}

/** When a window that is closed opens next; undefined where it never does. */
export function nextOpening(window: MaintenanceWindow, now: Date): Date | undefined {
  const openings = window.spans.flatMap((span) => openingsOf(span, now)).filter((at) => isOpen(window, at));
  const [first] = openings.toSorted((a, b) => a.getTime() - b.getTime());
  return first === undefined ? undefined : earliest(window, first, now);
}

/** `Mon 02:00`, by the host's clock, as the manifest has it. */
export function clockText(time: Date): string {
  const [hour, minute] = [time.getHours(), time.getMinutes()].map((part) => String(part).padStart(2, '0'));
  return `${dayName(time.getDay())} ${hour}:${minute}`;
}

function isWithin({ days, from, to }: WindowSpan, now: Date): boolean {
  const [today, minute] = [now.getDay(), now.getHours() * 60 + now.getMinutes()];
  if (from < to) return days.includes(today) && minute >= from && minute < to;
  return (days.includes(today) && minute >= from) || (days.includes((today + 6) % 7) && minute < to);
}

function openingsOf({ days, from }: WindowSpan, now: Date): readonly Date[] {
  return Array.from({ length: DAYS_AHEAD }, (_, index) => {
    return new Date(now.getFullYear(), now.getMonth(), now.getDate() + index, 0, from);
  }).filter((at, index) => at > now && days.includes((now.getDay() + index) % 7));
}

/** A time that the clock leaves out is taken for a later one, when the window is open already. */
function earliest(window: MaintenanceWindow, opening: Date, now: Date): Date {
  let first = opening;
  for (let minutes = 1; minutes <= LONGEST_SHIFT_MINUTES; minutes++) {
    const before = new Date(opening.getTime() - minutes * MINUTE_MS);
    if (before <= now || !isOpen(window, before)) break;
    first = before;
  }
  return first;
}
