import { errorText } from '../domain/errors.ts';
import type { Http } from '../platform/http.ts';
import { printable } from '../platform/http-trouble.ts';

const PING_MS = 3_000;

/**
 * Tells a watchman of cron jobs (healthchecks and its like) that a run begins and how it ended: POSTs to `URL/start` and
 * `URL/EXITCODE`. The address is a secret of its own: who knows it can say that all is well (invariant 14).
 */
export class Ping {
  readonly #url: URL;
  readonly #http: Http;
  #begun: Promise<string | undefined> = Promise.resolve(undefined);

  constructor(url: URL, http: Http) {
    this.#url = url;
    this.#http = http;
  }

  /** Waits for nothing. */
  begin(): void {
    this.#begun = this.#send('start', '');
  }

  /** The end comes after the beginning. Returns what went wrong, if anything, without the address. */
  async end(exitCode: number, lines: readonly string[]): Promise<string | undefined> {
    const begun = await this.#begun;
    return (await this.#send(String(exitCode), lines.join('\n'))) ?? begun;
  }

  async #send(what: string, body: string): Promise<string | undefined> {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${what}`;
    try {
      const status = await this.#http.post(url, body, { totalMs: PING_MS, signal: new AbortController().signal });
      return status < 300 ? undefined : `cannot ping ${url.origin}: HTTP ${status}`;
    } catch (error) {
      return `cannot ping ${url.origin}: ${errorText(error).replaceAll(printable(url), url.origin)}`;
    }
  }
}
