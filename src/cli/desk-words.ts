import { digestFromText } from '../domain/digest.ts';
import { minute } from '../planning/minute.ts';
import { brief } from './report-run.ts';

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

/** What a change was, in the words of the history, lower case: the record and the history keep what `run` had for it. */
export function changeWord({ outcome, reason }: { readonly outcome: string; readonly reason: string }): string {
  return outcome === 'updated' && reason === 'operator-rollback' ? 'went back' : outcome.replace('-', ' ');
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
