const MINUTE_MS = 60_000;
const PERIOD_MINUTES = 15;

/**
 * Whether a tick that began at `now` is the one in fifteen that tells the server of this host, if there is nothing else
 * to tell. Nothing is remembered for it, and a fleet spreads over the minutes.
 * @param draw a number from 0 to below 1, always the same for one host
 */
export function isKeepaliveDue(draw: number, now: Date): boolean {
  const minute = Math.floor(now.getTime() / MINUTE_MS);
  return minute % PERIOD_MINUTES === Math.floor(draw * PERIOD_MINUTES);
}
