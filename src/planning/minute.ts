/** `2026-11-21 08:15Z`: to the minute, in UTC, as people are told of a time. The log and the state files have it whole. */
export function minute(time: string | Date): string {
  const text = typeof time === 'string' ? time : time.toISOString();
  return `${text.slice(0, 16).replace('T', ' ')}Z`;
}
