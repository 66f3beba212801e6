import ky, { HTTPError, type Options, TimeoutError } from 'ky';
import { HttpTrouble } from './http-trouble.ts';
import {
  ANSWER_TIMEOUT_MS,
  type Asked,
  type HttpAnswer,
  type HttpWay,
  MAX_RETRY_AFTER_MS,
  PASSING,
  type Posted,
  RETRY_AFTER_MS,
  SilenceError,
} from './http-way.ts';

/** The way of ky, over any fetch. */
export class KyWay implements HttpWay {
  readonly #fetch: typeof fetch;

  constructor(by: typeof fetch) {
    this.#fetch = by;
  }

  async get(url: URL, asked: Asked): Promise<HttpAnswer> {
    return this.#send(url, asked, {
      limit: 1,
      statusCodes: [...PASSING],
      maxRetryAfter: MAX_RETRY_AFTER_MS,
      delay: () => RETRY_AFTER_MS,
      shouldRetry: isWorthIt,
    });
  }

  async post(url: URL, posted: Posted): Promise<HttpAnswer> {
    return this.#send(url, posted, 0);
  }

  async #send(url: URL, asked: Asked | Posted, retry: NonNullable<Options['retry']>): Promise<HttpAnswer> {
    try {
      return new FetchAnswer(
        await ky(url, {
          ...('body' in asked && { method: 'post', body: asked.body }),
          headers: { ...asked.headers },
          redirect: 'manual',
          timeout: ANSWER_TIMEOUT_MS,
          retry,
          signal: asked.signal,
          fetch: this.#fetch,
        }),
      );
    } catch (error) {
      if (error instanceof HTTPError) return new FetchAnswer(error.response);
      // Its message holds the whole URL, with a query that may be secret (invariant 14).
      if (error instanceof TimeoutError) throw new SilenceError();
      throw error;
    }
  }
}

/** Our own verdict (a proxy that refuses) stays the same; of the rest ky knows best. */
function isWorthIt({ error }: { readonly error: Error }): false | undefined {
  return error instanceof HttpTrouble ? false : undefined;
}

class FetchAnswer implements HttpAnswer {
  readonly status: number;
  readonly #response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(response: Response) {
    this.status = response.status;
    this.#response = response;
    this.#reader = response.body?.getReader();
  }

  header(name: string): string | undefined {
    return this.#response.headers.get(name) ?? undefined;
  }

  async read(): Promise<readonly Uint8Array[]> {
    const next = await this.#reader?.read();
    return next === undefined || next.done ? [] : [next.value];
  }

  discard(): void {
    // A body that cannot be given up ends with the signal of its request.
    this.#reader?.cancel().catch(() => undefined);
  }
}
