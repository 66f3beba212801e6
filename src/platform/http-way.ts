export interface Asked {
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface Posted extends Asked {
  readonly body: string;
}

/** One answer to one request, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** The value of a field, by its name in lower case. */
  header(name: string): string | undefined;
  /** What has come of the body since the last time, as it came; nothing at its end. Throws what broke it off. */
  read(): Promise<readonly Uint8Array[]>;
  /** Nobody wants the rest. */
  discard(): void;
}

/** A way to servers: how a request gets there, and its answer back. `http-request.ts` says what is asked, and of whom. */
export interface HttpWay {
  /**
   * Must answer with what the server itself said: no redirect is followed, no content decoded, no status is an error.
   * Must give up a server that is silent for {@link ANSWER_TIMEOUT_MS}. Must ask once more, after
   * {@link RETRY_AFTER_MS} or what the server wishes up to {@link MAX_RETRY_AFTER_MS}, where the connection broke
   * before the answer and where the answer is one of {@link PASSING}. Must end at once when the signal says so, and then
   * leave nothing open that keeps the process. Throws what became of the last try; its message must not hold the query
   * of the URL (invariant 14).
   */
  get(url: URL, asked: Asked): Promise<HttpAnswer>;

  /** The same for a POST, but for this: must send it once, since the server may have done what it was asked. */
  post(url: URL, posted: Posted): Promise<HttpAnswer>;
}

export const ANSWER_TIMEOUT_MS = 10_000;
/**
 * How long each address of a server is tried before the next one is, as `net.connect` takes it. Node's own quarter of a
 * second is less than the way to the other side of the world: a server there that has an IPv6 address as well would never
 * be reached from a host without IPv6. Two seconds also see a connection through whose first packet was lost.
 */
export const EACH_ADDRESS = { autoSelectFamilyAttemptTimeout: 2_000 };
export const RETRY_AFTER_MS = 300;
/** Without a cap a server could ask for an hour, and the run would hold its lock for as long. */
export const MAX_RETRY_AFTER_MS = 2_000;
/** Statuses that may be other ones in a moment. */
export const PASSING: readonly number[] = [408, 413, 429, 500, 502, 503, 504];

/** A server that says nothing. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';

  constructor() {
    super(`nothing received for ${ANSWER_TIMEOUT_MS / 1000} s`);
  }
}
