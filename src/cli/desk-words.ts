import { digestFromText } from '../domain/digest.ts';
import { brief } from './report-run.ts';

/** `2026-11-21 08:15Z`: to the minute, in UTC, as the log and the state files have it. */
export function minute(time: string | Date): string {
  const text = typeof time === 'string' ? time : time.toISOString();
  return `${text.slice(0, 16).replace('T', ' ')}Z`;
}

/** A time that is not over an hour away is told to the second elsewhere; here the two largest units do: `3h12m`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days >= 10) return `${days}d`;
  if (days > 0) return `${days}d${hours}h`;
  if (hours > 0) return `${hours}h${String(minutes).padStart(2, '0')}m`;
  return minutes > 0 ? `${minutes}m` : `${whole}s`;
}

/** How long ago; a time from the future was written before the clock was set back. */
export function ago(time: string, now: Date): string {
  const seconds = (now.getTime() - Date.parse(time)) / 1000;
  return seconds < 0 ? minute(time) : `${span(seconds)} ago`;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `18.2 MB`, in powers of ten as disks are sold and download sizes are told. */
export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  while (value >= 999.95 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** The ids of a release, which may be several for the same bytes: the first eight digits of each. */
export function briefRelease(release: string): string {
  return release
    .split(' ')
    .map((id) => (digestFromText(id) === undefined ? id : brief(id)))
    .join(' ');
}
