import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

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
 * Runs `work` for at most `ms`. The timer keeps the event loop alive, so that a promise that never settles (a broken
 * response body can leave one) ends here and not in a silent exit with code 0.
 */
export async function withDeadline<T>(
  ms: number,
  message: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new DeadlineError(message);
      controller.abort(error);
      reject(error);
    }, ms);
  });
  try {
    return await Promise.race([work(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
  }
}
