import { setImmediate } from 'node:timers/promises';

/** Nobody who asks in between waits much longer than this: milliseconds. */
const TURN_MS = 5;
/** A look at the clock costs as much as a little work. */
const BETWEEN_LOOKS = 32;

/** Does something with each, and lets others have their turn now and then. */
export async function inTurns<T>(all: readonly T[], work: (one: T) => void): Promise<void> {
  let begun = performance.now();
  for (const [index, one] of all.entries()) {
    work(one);
    if (index % BETWEEN_LOOKS !== 0 || performance.now() - begun < TURN_MS) continue;
    await setImmediate();
    begun = performance.now();
  }
}
