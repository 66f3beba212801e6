import { fstatSync } from 'node:fs';

const STDOUT = 1;
/** /dev/null and its like; see devices.txt of the kernel. */
const MEMORY_DEVICES = 1;

/**
 * Makes stdout and stderr bear that nobody reads them any more: `bin-proxy plan | head -1` must not end a transaction. Node
 * makes a stream when it is first asked for one, which costs as much as reading the settings, and an idle tick of cron has
 * nothing to say (invariant 12); so they are asked for by nobody before they are used.
 */
export function bearClosedStreams(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const made = Object.getOwnPropertyDescriptor(process, name);
    if (made?.get === undefined) {
      // Something that Node was told to load first (NODE_OPTIONS) has put a stream of its own there.
      process[name].on('error', () => {});
      continue;
    }
    Object.defineProperty(process, name, {
      ...made,
      get: () => {
        // From now on it is as Node has made it.
        Object.defineProperty(process, name, made);
        return process[name].on('error', () => {});
      },
    });
  }
}

/** Whether somebody may be watching, without making the stream: what is no device of characters is no terminal. */
export function mayBeWatched(): boolean {
  try {
    const stats = fstatSync(STDOUT);
    return stats.isCharacterDevice() && stats.rdev >> 8 !== MEMORY_DEVICES;
  } catch {
    // A closed one; Node opens /dev/null in its place.
    return false;
  }
}
