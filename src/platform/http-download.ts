import { errorText } from '../domain/errors.ts';
import { readBody } from './http-body.ts';
import { type Delta, openDelta } from './http-delta.ts';
import { type HttpIdentity, httpGet } from './http-request.ts';
import { HttpStatusError, HttpTrouble, intoSink, SinkTrouble } from './http-trouble.ts';
import type { HttpAnswer } from './http-way.ts';
import type { DownloadLimits, Sink } from './sink.ts';

export interface Download {
  readonly url: URL;
  readonly limits: DownloadLimits;
  readonly identity: HttpIdentity;
  readonly signal: AbortSignal;
}

/**
 * GET of a file into a sink, in one pass; what a server sends is the file, or the delta to one that lies here. A
 * delta that comes to nothing is none: then the whole file is asked for. Throws `HttpTrouble`, `HttpStatusError` or
 * `SinkTrouble`, and what the way throws; the sink then holds rubbish.
 */
export async function download(sink: Sink, asked: Download): Promise<void> {
  const { limits, signal } = asked;
  const delta = limits.former && openDelta(limits.former, sink, limits.maxBytes);
  if (delta === undefined) return transfer(sink, asked);
  try {
    await transfer(sink, asked, delta);
  } catch (error) {
    const isOurs = delta.isUsed && !signal.aborted && !(error instanceof SinkTrouble);
    if (!isOurs) throw error;
    await delta.close();
    limits.onWhole?.(errorText(error));
    await intoSink(sink.restart());
    await transfer(sink, asked);
  } finally {
    await delta.close();
  }
}

async function transfer(sink: Sink, asked: Download, delta?: Delta): Promise<void> {
  const { url, identity, signal, limits } = asked;
  const wanted = { accept: '*/*', ...delta?.headers };
  const get = (more: Readonly<Record<string, string>>) =>
    httpGet(url, { headers: { ...wanted, ...more }, signal }, identity);
  const first = await get({});
  if (first.status !== 200) throw new HttpStatusError(first.status, url);
  const isDelta = delta?.isIn(first) === true;
  const into = isDelta ? await delta.begin() : sink;
  const incoming = new Incoming(into, limits);
  try {
    await incoming.receive(first);
  } catch (error) {
    const validator = resumeValidator(first);
    if (!isBreak(error) || signal.aborted || validator === undefined || incoming.received === 0) throw error;
    const second = await get({ range: `bytes=${incoming.received}-`, 'if-range': validator });
    // What continues a delta must be one itself.
    if ((delta?.isIn(second) === true) !== isDelta) throw error;
    if (!(await incoming.resume(second, validator))) throw error;
  }
  if (isDelta) await delta.end();
}

/** Bytes on their way into a sink, over one response or two. */
class Incoming {
  received = 0;
  /** How many there are in all, where the server has announced it. */
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
