import { DeadlineError, withDeadline } from './clock.ts';
import { readBody } from './http-body.ts';
import { type HttpIdentity, httpGet } from './http-request.ts';
import { HttpStatusError, HttpTrouble, printable, SinkTrouble, transportHint, transportText } from './http-trouble.ts';
import type { DownloadLimits, Sink } from './sink.ts';

export interface TextAnswer {
  readonly status: number;
  readonly contentType: string;
  /** The validator of this answer (RFC 9110 section 8.8.3), where it has one. */
  readonly etag?: string;
  readonly text: string;
  /** Any other header of the answer, by its name. */
  readonly header: (name: string) => string | undefined;
}

export interface TextLimits {
  readonly maxBytes: number;
  readonly totalMs: number;
  /** Asks for the text only where it is no longer this one: otherwise the answer is 304, without a text. */
  readonly ifNoneMatch?: string;
}

export interface PostLimits {
  readonly totalMs: number;
  readonly signal: AbortSignal;
}

/**
 * The one HTTP client. It asks for bytes as they are, bounds every wait by its own timers (a stalled body escapes the
 * timeouts of every client), follows no redirect that lowers the protection, and sends credentials to one origin only.
 */
export class Http {
  readonly #identity: HttpIdentity;

  constructor(identity: HttpIdentity) {
    this.#identity = identity;
  }

  /** GET of a small text, whatever the status. Throws {@link HttpTrouble}. */
  async text(url: URL, limits: TextLimits): Promise<TextAnswer> {
    return bounded(url, { totalMs: limits.totalMs }, async (signal) => {
      const condition = limits.ifNoneMatch === undefined ? {} : { 'if-none-match': limits.ifNoneMatch };
      const headers = { accept: 'application/json', ...condition };
      const answer = await httpGet(url, { headers, signal }, this.#identity);
      const chunks: Uint8Array[] = [];
      await readBody(answer, { maxBytes: limits.maxBytes, idleMs: limits.totalMs }, (chunk) => {
        chunks.push(chunk);
        return Promise.resolve();
      });
      const contentType = answer.header('content-type') ?? '';
      const etag = answer.header('etag');
      const text = Buffer.concat(chunks).toString('utf8');
      const header = (name: string) => answer.header(name);
      return { status: answer.status, contentType, text, header, ...(etag !== undefined && { etag }) };
    });
  }

  /**
   * POST of a text, or of anything else as JSON, once, without following a redirect. Returns the status. Throws
   * {@link HttpTrouble}.
   */
  async post(url: URL, body: unknown, limits: PostLimits): Promise<number> {
    // An idle tick posts nothing, and does not load it.
    const { httpPost } = await import('./http-post.ts');
    const idleMs = limits.totalMs;
    const sent =
      typeof body === 'string'
        ? { body, contentType: 'text/plain; charset=utf-8' }
        : { body: JSON.stringify(body), contentType: 'application/json' };
    return bounded(url, limits, (signal) => httpPost(url, { ...sent, idleMs, signal }, this.#identity));
  }

  /**
   * GET of a file into a sink, in one pass. A transfer that breaks off is resumed once where the server can do that.
   * Throws {@link HttpTrouble} or {@link HttpStatusError}; the sink then holds rubbish.
   */
  async download(url: URL, sink: Sink, limits: DownloadLimits): Promise<void> {
    // Nor does it download anything.
    const { download } = await import('./http-download.ts');
    await bounded(url, limits, (signal) => download(sink, { url, limits, identity: this.#identity, signal }));
  }
}

/**
 * One deadline over everything; transport errors become one family; every connection that is still open in the end is
 * dropped, so that a body nobody reads keeps neither the process nor the lock.
 */
async function bounded<T>(
  url: URL,
  { totalMs, signal }: { readonly totalMs: number; readonly signal?: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = `no complete answer from ${printable(url)} within ${totalMs / 1000} s`;
  try {
    return await withDeadline(totalMs, late, (inner) =>
      work(signal === undefined ? inner : AbortSignal.any([inner, signal])),
    );
  } catch (error) {
    if (error instanceof SinkTrouble) throw error.cause;
    if (error instanceof HttpTrouble || error instanceof HttpStatusError) throw error;
    const story = error instanceof DeadlineError ? late : `no answer from ${printable(url)}: ${transportText(error)}`;
    const hint = transportHint(error, new Date());
    throw new HttpTrouble('unreachable', story, hint === undefined ? {} : { hint });
  }
}
