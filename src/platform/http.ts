import { DeadlineError, withDeadline } from './clock.ts';
import { type Rate, readBody } from './http-body.ts';
import { type HttpIdentity, httpGet } from './http-request.ts';
import { HttpStatusError, HttpTrouble, printable, transportHint, transportText } from './http-trouble.ts';
import type { HttpAnswer } from './http-way.ts';

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

/** Where a download goes. `restart` throws away everything written so far. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
  restart(): Promise<void>;
}

export interface DownloadLimits {
  readonly maxBytes: number;
  /** How long a silence may last. */
  readonly idleMs: number;
  readonly totalMs: number;
  /** At least so many bytes in so much waiting: a server that sends one byte now and then is never silent. */
  readonly least?: Rate;
  readonly signal?: AbortSignal;
  readonly onProgress?: (received: number, total: number | undefined) => void;
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

  /** POST of JSON, once, without following a redirect. Returns the status. Throws {@link HttpTrouble}. */
  async post(url: URL, body: unknown, limits: PostLimits): Promise<number> {
    // An idle tick posts nothing, and does not load it.
    const { httpPost } = await import('./http-post.ts');
    const idleMs = limits.totalMs;
    return bounded(url, limits, (signal) =>
      httpPost(url, { body: JSON.stringify(body), idleMs, signal }, this.#identity),
    );
  }

  /**
   * GET of a file into a sink, in one pass. A transfer that breaks off is resumed once where the server can do that.
   * Throws {@link HttpTrouble} or {@link HttpStatusError}; the sink then holds rubbish.
   */
  async download(url: URL, sink: Sink, limits: DownloadLimits): Promise<void> {
    await bounded(url, limits, async (signal) => {
      const first = await httpGet(url, { headers: { accept: '*/*' }, signal }, this.#identity);
      if (first.status !== 200) throw new HttpStatusError(first.status, url);
      const transfer = new Transfer(sink, limits);
      try {
        await transfer.receive(first);
      } catch (error) {
        const validator = resumeValidator(first);
        if (!isBreak(error) || signal.aborted || validator === undefined || transfer.received === 0) throw error;
        const headers = { accept: '*/*', range: `bytes=${transfer.received}-`, 'if-range': validator };
        const second = await httpGet(url, { headers, signal }, this.#identity);
        if (!(await transfer.resume(second, validator))) throw error;
      }
    });
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

/** Trouble of the sink (a full disk), which must not be taken for trouble of the network. */
class SinkTrouble extends Error {
  override readonly name = 'SinkTrouble';
}

/** One file on its way into a sink, over one response or two. */
class Transfer {
  received = 0;
  /** The size of the whole file, where the server has announced it. */
  #whole: number | undefined;
  readonly #sink: Sink;
  readonly #limits: DownloadLimits;

  constructor(sink: Sink, limits: DownloadLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  async receive(answer: HttpAnswer): Promise<void> {
    const { maxBytes, idleMs, least, onProgress } = this.#limits;
    const length = contentLength(answer);
    this.#whole ??= length === undefined ? undefined : this.received + length;
    const whole = this.#whole;
    if (whole !== undefined && whole > maxBytes) {
      throw new HttpTrouble('too-large', `the server announces ${whole} bytes, at most ${maxBytes} fit`);
    }
    const limits = { maxBytes: maxBytes - this.received, idleMs, ...(least !== undefined && { least }) };
    await readBody(answer, limits, async (chunk) => {
      await intoSink(this.#sink.write(chunk));
      this.received += chunk.byteLength;
      onProgress?.(this.received, whole);
    });
    if (whole !== undefined && this.received !== whole) {
      throw new HttpTrouble('truncated', `expected ${whole} bytes, received ${this.received}`);
    }
  }

  /**
   * RFC 9110 section 14: 206 continues, 200 means that the file has changed and begins anew. A 206 with another
   * validator continues another file, whatever the server thinks of If-Range.
   */
  async resume(answer: HttpAnswer, validator: string): Promise<boolean> {
    const [, begin, whole] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? [];
    const isOther = whole !== '*' && this.#whole !== undefined && whole !== String(this.#whole);
    const etag = answer.header('etag');
    const same = etag === undefined || !validator.startsWith('"') || etag === validator;
    if (answer.status === 200) {
      await intoSink(this.#sink.restart());
      this.received = 0;
      this.#whole = undefined;
    } else if (answer.status !== 206 || begin !== String(this.received) || isOther || !same) {
      return false;
    }
    await this.receive(answer);
    return true;
  }
}

async function intoSink(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    throw new SinkTrouble('the sink failed', { cause });
  }
}

/** RFC 9110 section 13.1.5: only a strong validator may stand in If-Range. */
function resumeValidator(answer: HttpAnswer): string | undefined {
  const etag = answer.header('etag');
  return etag?.startsWith('"') ? etag : answer.header('last-modified');
}

function contentLength(answer: HttpAnswer): number | undefined {
  const text = answer.header('content-length') ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function isBreak(error: unknown): boolean {
  return error instanceof HttpTrouble && ['unreachable', 'stalled', 'truncated'].includes(error.kind);
}
