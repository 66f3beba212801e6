import type { Http, TextAnswer } from '../platform/http.ts';

const MAX_INDEX_BYTES = 16 * 1024 * 1024;
const INDEX_TIMEOUT_MS = 30_000;

/** What was answered to a request for the index that showed this validator. */
interface Learned {
  readonly etag: string;
  readonly answer: Promise<TextAnswer>;
}

/** Asks for the index of a server, and not twice for what was learned a moment ago. */
export class IndexQuestion {
  readonly #url: URL;
  readonly #http: Http;
  #learned: Learned | undefined;

  constructor(url: URL, http: Http) {
    this.#url = url;
    this.#http = http;
  }

  /** The answer, if it is that nothing has changed since it had this validator. Trouble is told by the next {@link ask}. */
  async unchangedSince(etag: string): Promise<TextAnswer | undefined> {
    this.#learned = { etag, answer: this.#request(etag) };
    const answer = await this.#learned.answer.catch(() => undefined);
    return answer?.status === 304 ? answer : undefined;
  }

  /** Asks for it where it is no longer the one with this validator. Throws `HttpTrouble`. */
  ask(etag: string | undefined): Promise<TextAnswer> {
    const learned = this.#learned;
    this.#learned = undefined;
    return learned !== undefined && learned.etag === etag ? learned.answer : this.#request(etag);
  }

  #request(ifNoneMatch: string | undefined): Promise<TextAnswer> {
    return this.#http.text(this.#url, {
      maxBytes: MAX_INDEX_BYTES,
      totalMs: INDEX_TIMEOUT_MS,
      ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    });
  }
}
