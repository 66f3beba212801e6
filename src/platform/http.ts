import ky, { HTTPError } from 'ky';
import { errorText } from '../domain/errors.ts';
import { DeadlineError, withDeadline } from './clock.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;

export type HttpTroubleKind =
  /** No answer, or it broke off: worth another try. */
  | 'unreachable'
  | 'stalled'
  | 'truncated'
  | 'too-large'
  | 'unsafe-redirect'
  | 'content-encoding';

export class HttpTrouble extends Error {
  override readonly name = 'HttpTrouble';
  readonly kind: HttpTroubleKind;

  constructor(kind: HttpTroubleKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

export interface HttpIdentity {
  readonly userAgent: string;
  /** Sent to this origin only, whatever redirects say (invariant 14). */
  readonly bearer?: { readonly origin: string; readonly token: string };
}

export interface TextAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface TextLimits {
  readonly maxBytes: number;
  readonly totalMs: number;
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
  readonly signal?: AbortSignal;
  readonly onProgress?: (received: number, total: number | undefined) => void;
}

/** A status other than the expected one, with the start of what the server said. */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly status: number;

  constructor(status: number, url: URL) {
    super(`HTTP ${status} from ${printable(url)}`);
    this.status = status;
  }
}

/**
 * The one HTTP client. It asks for bytes as they are, bounds every wait by its own timers (a stalled body escapes the
 * timeouts of fetch), follows no redirect that lowers the protection, and sends credentials to one origin only.
 */
export class Http {
  readonly #identity: HttpIdentity;

  constructor(identity: HttpIdentity) {
    this.#identity = identity;
  }

  /** GET of a small text, whatever the status. Throws {@link HttpTrouble}. */
  async text(url: URL, limits: TextLimits): Promise<TextAnswer> {
    return this.#bounded(url, limits.totalMs, undefined, async (signal) => {
      const response = await this.#request(url, { accept: 'application/json' }, signal);
      const chunks: Uint8Array[] = [];
      await readBody(response, { maxBytes: limits.maxBytes, idleMs: limits.totalMs }, (chunk) => {
        chunks.push(chunk);
        return Promise.resolve();
      });
      const contentType = response.headers.get('content-type') ?? '';
      return { status: response.status, contentType, text: Buffer.concat(chunks).toString('utf8') };
    });
  }

  /**
   * GET of a file into a sink, in one pass. A transfer that breaks off is resumed once where the server can do that.
   * Throws {@link HttpTrouble} or {@link HttpStatusError}; the sink then holds rubbish.
   */
  async download(url: URL, sink: Sink, limits: DownloadLimits): Promise<void> {
    await this.#bounded(url, limits.totalMs, limits.signal, async (signal) => {
      const first = await this.#request(url, { accept: '*/*' }, signal);
      if (first.status !== 200) throw new HttpStatusError(first.status, url);
      const transfer = new Transfer(sink, limits);
      try {
        await transfer.receive(first);
      } catch (error) {
        const validator = resumeValidator(first);
        if (!isBreak(error) || signal.aborted || validator === undefined || transfer.received === 0) throw error;
        const range = { accept: '*/*', range: `bytes=${transfer.received}-`, 'if-range': validator };
        if (!(await transfer.resume(await this.#request(url, range, signal)))) throw error;
      }
    });
  }

  /**
   * One deadline over everything; transport errors become one family; a connection that failed is dropped, so that a
   * body nobody reads keeps neither the process nor the lock.
   */
  async #bounded<T>(
    url: URL,
    totalMs: number,
    outer: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const late = `no complete answer from ${printable(url)} within ${totalMs / 1000} s`;
    try {
      return await withDeadline(totalMs, late, (inner) =>
        work(AbortSignal.any([inner, controller.signal, ...(outer === undefined ? [] : [outer])])),
      );
    } catch (error) {
      controller.abort();
      if (error instanceof HttpTrouble || error instanceof HttpStatusError || isDiskError(error)) throw error;
      const story = error instanceof DeadlineError ? late : `no answer from ${printable(url)}: ${transportText(error)}`;
      throw new HttpTrouble('unreachable', story);
    }
  }

  async #request(start: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    let url = start;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await this.#get(url, headers, signal);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || response.status === 304 || location === null) {
        return refuseEncoding(response, url);
      }
      await response.body?.cancel();
      url = safeRedirect(url, location);
    }
    throw new HttpTrouble('unsafe-redirect', `more than ${MAX_REDIRECTS} redirects from ${printable(start)}`);
  }

  async #get(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { userAgent, bearer } = this.#identity;
    const authorization = bearer?.origin === url.origin ? { authorization: `Bearer ${bearer.token}` } : {};
    try {
      return await ky.get(url, {
        headers: { ...headers, ...authorization, 'user-agent': userAgent, 'accept-encoding': 'identity' },
        redirect: 'manual',
        timeout: CONNECT_TIMEOUT_MS,
        // Without a cap ky sleeps as long as a server's Retry-After asks, holding the lock.
        retry: { limit: 1, maxRetryAfter: 2_000, backoffLimit: 1_000 },
        signal,
      });
    } catch (error) {
      if (error instanceof HTTPError) return error.response;
      throw error;
    }
  }
}

/** One file on its way into a sink, over one response or two. */
class Transfer {
  received = 0;
  readonly #sink: Sink;
  readonly #limits: DownloadLimits;

  constructor(sink: Sink, limits: DownloadLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  async receive(response: Response): Promise<void> {
    const { maxBytes, idleMs, onProgress } = this.#limits;
    const length = contentLength(response);
    const expected = length === undefined ? undefined : this.received + length;
    if (expected !== undefined && expected > maxBytes) {
      throw new HttpTrouble('too-large', `the server announces ${expected} bytes, at most ${maxBytes} fit`);
    }
    await readBody(response, { maxBytes: maxBytes - this.received, idleMs }, async (chunk) => {
      await this.#sink.write(chunk);
      this.received += chunk.byteLength;
      onProgress?.(this.received, expected);
    });
    if (expected !== undefined && this.received !== expected) {
      throw new HttpTrouble('truncated', `expected ${expected} bytes, received ${this.received}`);
    }
  }

  /** RFC 9110 section 14: 206 continues, 200 means that the file has changed and begins anew. */
  async resume(response: Response): Promise<boolean> {
    const begin = response.headers.get('content-range')?.match(/^bytes (\d+)-/)?.[1];
    if (response.status === 200) {
      await this.#sink.restart();
      this.received = 0;
    } else if (response.status !== 206 || begin !== String(this.received)) {
      return false;
    }
    await this.receive(response);
    return true;
  }
}

/** Reads a body chunk by chunk with a limit on silence and on size. */
async function readBody(
  response: Response,
  limits: { readonly maxBytes: number; readonly idleMs: number },
  onChunk: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let bytes = 0;
  for (;;) {
    const { done, value } = await nextChunk(reader, limits.idleMs);
    if (done) return;
    bytes += value.byteLength;
    if (bytes > limits.maxBytes) throw new HttpTrouble('too-large', `the answer is larger than ${limits.maxBytes} bytes`);
    await onChunk(value);
  }
}

async function nextChunk(reader: ReadableStreamDefaultReader<Uint8Array>, idleMs: number) {
  const silence = `nothing received for ${idleMs / 1000} s`;
  try {
    return await withDeadline(idleMs, silence, () => reader.read());
  } catch (error) {
    if (error instanceof DeadlineError) throw new HttpTrouble('stalled', silence);
    throw new HttpTrouble('unreachable', `the transfer broke off: ${transportText(error)}`);
  }
}

/** Nobody asked for an encoding; on Node 20 a body that is not what its header says never settles. */
function refuseEncoding(response: Response, url: URL): Response {
  const encoding = response.headers.get('content-encoding');
  if (encoding === null || encoding === '' || encoding === 'identity') return response;
  throw new HttpTrouble('content-encoding', `${printable(url)} answers in content-encoding "${encoding}", which was not asked for`);
}

function safeRedirect(from: URL, location: string): URL {
  const to = new URL(location, from);
  const story = `${printable(from)} redirects to ${printable(to)}`;
  if (to.protocol !== 'http:' && to.protocol !== 'https:') throw new HttpTrouble('unsafe-redirect', story);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new HttpTrouble('unsafe-redirect', `${story}: https must not become http`);
  }
  if (to.username !== '' || to.password !== '') throw new HttpTrouble('unsafe-redirect', `${story}: with credentials`);
  return to;
}

/** RFC 9110 section 13.1.5: only a strong validator may stand in If-Range. */
function resumeValidator(response: Response): string | undefined {
  const etag = response.headers.get('etag');
  if (etag?.startsWith('"')) return etag;
  return response.headers.get('last-modified') ?? undefined;
}

function contentLength(response: Response): number | undefined {
  const text = response.headers.get('content-length');
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

function isBreak(error: unknown): boolean {
  return error instanceof HttpTrouble && ['unreachable', 'stalled', 'truncated'].includes(error.kind);
}

/** Trouble of the sink (a full disk) must not be taken for trouble of the network. */
function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && ['write', 'ftruncate', 'fsync'].includes(String(error.syscall));
}

/** fetch says "fetch failed" and hides the story in its causes; a refused dual-stack connection has an empty message. */
function transportText(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const codes = cause instanceof AggregateError ? cause.errors.map((e: unknown) => errorText(e)).join('; ') : '';
  return codes === '' ? errorText(error) : codes;
}

/** A URL without credentials and query: both may hold secrets (invariant 14). */
export function printable(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
