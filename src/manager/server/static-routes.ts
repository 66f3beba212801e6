import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { API, type StaticKind, staticAddress } from './addresses.ts';
import { judge, wantedPart } from './conditions.ts';
import type { FoundFile, StaticFiles } from './static-files.ts';
import { Refusal, sendNothing } from './trouble.ts';

const READ_BYTES = 256 * 1024;
/** A pointer may move between a look and the reading; it does not do so again and again. */
const ATTEMPTS = 5;
const NO_CACHE = 'no-cache';
const FOR_EVER = 'public, max-age=31536000, immutable';
const JSON_TYPE = 'application/json';
const BYTES_TYPE = 'application/octet-stream';
/** nginx compresses nothing that is smaller. */
const GZIP_BYTES = 20;

export interface StaticOptions {
  readonly files: StaticFiles;
  /** Headers of index.json, in 200 and 304. */
  readonly indexHeaders: Readonly<Record<string, string>>;
}

/** Everything that lies below the store's `api/v1/`, as nginx serves it with config/nginx.conf, and nothing else of it. */
export function staticRoutes(app: FastifyInstance, options: StaticOptions): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => sendStatic(options, request, reply);
  for (const url of [`${API}*`, '/bins/*', '/download/*', '/releases/*'])
    app.route({ method: ['GET', 'HEAD'], url, handler });
}

async function sendStatic(
  { files, indexHeaders }: StaticOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const address = staticAddress(request.url.split('?', 1)[0] ?? '');
  if (address === undefined) return sendNothing(reply);
  const { kind, path } = address;
  request.label = kind;
  if (kind === 'index') reply.headers(indexHeaders);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = files.find(path);
    if (found === undefined) return sendNothing(reply);
    const sent = await new StaticAnswer({ files, found, kind }, request, reply).send();
    if (sent !== undefined) return sent;
  }
  throw new Error(`${path} has changed ${ATTEMPTS} times while it was read`);
}

interface Subject {
  readonly files: StaticFiles;
  readonly found: FoundFile;
  readonly kind: StaticKind;
}

/** One answer about one file. */
class StaticAnswer {
  readonly #subject: Subject;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;

  constructor(subject: Subject, request: FastifyRequest, reply: FastifyReply) {
    this.#subject = subject;
    this.#request = request;
    this.#reply = reply;
  }

  /** Undefined where the file was replaced meanwhile: nothing was sent. */
  async send(): Promise<FastifyReply | undefined> {
    const { found, kind } = this.#subject;
    switch (judge(this.#request.headers, found.validators)) {
      case 'precondition-failed':
        throw new Refusal(412, 'this is not the file that you expected');
      case 'not-modified':
        this.#describe();
        return this.#reply.code(304).send();
      case 'send':
        return kind === 'index' && this.#takesGzip() ? this.#sendGzipped() : this.#sendBytes();
    }
  }

  /** Headers of 200, 206 and 304. */
  #describe(): void {
    const { found, kind } = this.#subject;
    this.#reply
      .header('etag', found.validators.etag)
      .header('last-modified', found.validators.modified)
      .header('cache-control', kind === 'artifact' ? FOR_EVER : NO_CACHE);
  }

  #takesGzip(): boolean {
    const accepted = this.#request.headers['accept-encoding'] ?? '';
    return (
      this.#subject.found.size >= GZIP_BYTES &&
      /(^|,)\s*gzip\s*(;\s*q=(1(\.0*)?|0\.\d*[1-9]\d*)\s*)?(,|$)/i.test(`${accepted}`)
    );
  }

  async #sendGzipped(): Promise<FastifyReply | undefined> {
    const { files, found } = this.#subject;
    const content = await files.open(found);
    if (content === undefined) return undefined;
    if (content.kind === 'large') {
      await content.handle.close();
      return this.#sendBytes();
    }
    const gzipped = await files.gzipped(found, content.bytes);
    this.#describe();
    // RFC 9110 section 8.8.1: other bytes, so the tag is a weak one.
    return this.#reply
      .headers({ etag: `W/${found.validators.etag}`, 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
      .header('content-type', JSON_TYPE)
      .send(gzipped);
  }

  async #sendBytes(): Promise<FastifyReply | undefined> {
    const { files, found, kind } = this.#subject;
    // Range has a meaning for GET alone (RFC 9110 section 14.2).
    const part =
      this.#request.method === 'GET' ? wantedPart(this.#request.headers, found.validators, found.size) : undefined;
    if (part === 'none') {
      throw new Refusal(416, 'there are no such bytes', { headers: { 'content-range': `bytes */${found.size}` } });
    }
    const isHead = this.#request.method === 'HEAD';
    const content = isHead ? undefined : await files.open(found);
    if (content === undefined && !isHead) return undefined;
    this.#describe();
    const { start, end } = part ?? { start: 0, end: found.size - 1 };
    if (part !== undefined) this.#reply.code(206).header('content-range', `bytes ${start}-${end}/${found.size}`);
    this.#reply
      .header('accept-ranges', 'bytes')
      .header('content-length', end - start + 1)
      .header('content-type', kind === 'artifact' || kind === 'download' ? BYTES_TYPE : JSON_TYPE);
    if (kind === 'index') this.#reply.header('vary', 'Accept-Encoding');
    if (content === undefined) return this.#reply.send();
    return this.#reply.send(
      content.kind === 'small'
        ? content.bytes.subarray(start, end + 1)
        : content.handle.createReadStream({ start, end, highWaterMark: READ_BYTES }),
    );
  }
}
