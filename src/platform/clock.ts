import { delay } from './builtins.ts';

/** Time, as the engine sees it. Tests pass their own. */
export interface Clock {
  /** Wall-clock time, for records and reports. */
  now(): Date;
  /** Milliseconds on a clock that never jumps, for windows and durations. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: async (ms) => {
    await delay(ms);
  },
};

/** Thrown by {@link withDeadline}. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Runs `work` for at most `ms`, and tells it by its signal when that time is over, and also when it has ended: what it
 * left open has to go. Throws {@link DeadlineError}, and what `work` throws.
 */
export async function withDeadline<T>(
  ms: number,
  message: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  try {
    return await within(ms, message, work(controller.signal));
  } finally {
    controller.abort(new DeadlineError(message));
  }
}

/**
 * Waits for `work` for at most `ms`. The timer keeps the event loop alive, so that a promise that never settles (a broken
 * response body can leave one) ends here and not in a silent exit with code 0. Throws {@link DeadlineError}.
 */
export async function within<T>(ms: number, message: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(message)), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
