import { delay } from './builtins.ts';
import { type HttpAnswer, MAX_RETRY_AFTER_MS, PASSING, RETRY_AFTER_MS, SilenceError } from './http-way.ts';

/** Asks once more where `HttpWay` says so. Throws what became of the last try. */
export async function askTwice(ask: () => Promise<HttpAnswer>, signal: AbortSignal): Promise<HttpAnswer> {
  let wait = RETRY_AFTER_MS;
  try {
    const answer = await ask();
    if (!PASSING.includes(answer.status)) return answer;
    wait = wishedDelay(answer.header('retry-after'), Date.now()) ?? RETRY_AFTER_MS;
    answer.discard();
  } catch (error) {
    if (signal.aborted || error instanceof SilenceError) throw error;
  }
  await delay(wait, { signal });
  return ask();
}

/** RFC 9110 section 10.2.3: seconds, or a date. Undefined where the server has no wish. */
function wishedDelay(retryAfter: string | undefined, now: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const wished = Number.isNaN(seconds) ? Date.parse(retryAfter) - now : seconds * 1000;
  return Number.isNaN(wished) ? undefined : Math.min(Math.max(wished, 0), MAX_RETRY_AFTER_MS);
}
