import { pipeline } from 'node:stream/promises';
import { systemCode } from '../../domain/errors.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http-server.ts';
import { pathOf, type StaticAddress, type StaticKind, staticAddress } from './addresses.ts';
import { judge, type Part, wantedPart } from './conditions.ts';
import { DELTA_VARY, wantedDelta } from './delta-request.ts';
import type { Content, FoundFile, StaticFiles } from './static-files.ts';
import { answerNothing, Refusal } from './trouble.ts';

const READ_BYTES = 256 * 1024;
/** A pointer may move between a look and the reading; it does not do so again and again. */
const ATTEMPTS = 5;
const NO_CACHE = 'no-cache';
const FOR_EVER = 'max-age=31536000, immutable';
const JSON_TYPE = 'application/json';
const BYTES_TYPE = 'application/octet-stream';
/** nginx compresses nothing that is smaller. */
const GZIP_BYTES = 20;
const GZIP_TAKEN = /(^|,)\s*gzip\s*(;\s*q=(1(\.0*)?|0\.\d*[1-9]\d*)\s*)?(,|$)/i;
/** Digest answers are shorter, and there may be tens of thousands of them. */
const TEXT_BYTES = 1024;
/** As many as there are files to ask for; who makes up others must not fill the memory. */
const MAX_KNOWN_URLS = 20_000;
const MAX_KNOWN_LENGTH = 256;

/** Names and values in turns: Node sends them as they are, and looks none of them up. */
type Headers = string[];

/** What all answers about one file say. */
interface Heads {
  /** 200, 206 and 304. */
  readonly known: Headers;
  /** 200 with all bytes. */
  readonly whole: Headers;
  readonly type: string;
  /** All bytes, of a file of a few. */
  text?: string;
}

/** A request for something that may lie in the store. */
export interface StaticExchange {
  readonly address: StaticAddress;
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** Which caches may keep bytes. `public` gives them to whoever asks next, with no token (RFC 9111 section 3.5). */
  readonly caches: Caches;
}

type Caches = 'public' | 'private';

interface FoundExchange extends StaticExchange {
  readonly found: FoundFile;
  readonly heads: Heads;
  readonly part: Part | undefined;
}

/** Everything that lies below the store's `api/v1/`, as nginx serves it with config/nginx.conf, and nothing else of it. */
export class StaticAnswers {
  readonly #files: StaticFiles;
  readonly #indexHeaders: Headers;
  readonly #addresses = new Map<string, StaticAddress>();
  readonly #heads = { public: new WeakMap<FoundFile, Heads>(), private: new WeakMap<FoundFile, Heads>() };

  /** `indexHeaders` are those of index.json, in 200 and 304. */
  constructor(files: StaticFiles, indexHeaders: Readonly<Record<string, string>>) {
    this.#files = files;
    this.#indexHeaders = Object.entries(indexHeaders).flat();
  }

  /** What a URL asks for; undefined for what cannot be there. What was made of it once is remembered. */
  addressOf(url: string): StaticAddress | undefined {
    const known = this.#addresses.get(url);
    if (known !== undefined) return known;
    const address = staticAddress(pathOf(url));
    if (address === undefined || url.length > MAX_KNOWN_LENGTH) return address;
    if (this.#addresses.size >= MAX_KNOWN_URLS) this.#addresses.clear();
    this.#addresses.set(url, address);
    return address;
  }

  /** Answers at once where nothing has to be read: no poll waits for another turn. Throws {@link Refusal} 412 or 416. */
  send(exchange: StaticExchange, attempts = ATTEMPTS): Promise<void> | undefined {
    const { address, request, response, caches } = exchange;
    const whole = this.#files.find(address.path);
    if (whole === undefined) return answerNothing(response);
    const wanted = wantedDelta(address, request.headers);
    const delta = wanted === undefined ? undefined : this.#files.find(wanted);
    const found = delta ?? whole;
    const heads = this.#headsOf(found, delta === undefined ? address.kind : 'delta', caches);
    switch (judge(request.headers, found.validators)) {
      case 'precondition-failed':
        throw new Refusal(412, 'this is not the file that you expected');
      case 'not-modified':
        response.writeHead(304, heads.known).end();
        return undefined;
      case 'send': {
        const one = { ...exchange, found, heads, part: partOf(request, found) };
        const bytes = this.#files.kept(found);
        return bytes === undefined ? this.#read(one, attempts) : this.#sendContent(one, { kind: 'small', bytes });
      }
    }
  }

  async #read(one: FoundExchange, attempts: number): Promise<void> {
    if (one.request.method === 'HEAD' && !takesGzip(one)) return sendBytes(one);
    const content = await this.#files.open(one.found);
    if (content !== undefined) return this.#sendContent(one, content);
    if (attempts === 1) throw new Error(`${one.address.path} has changed ${ATTEMPTS} times while it was read`);
    return this.send(one, attempts - 1);
  }

  #sendContent(one: FoundExchange, content: Content): Promise<void> | undefined {
    if (content.kind === 'large') return sendLarge(one, content);
    if (takesGzip(one)) return this.#sendGzipped(one, content.bytes);
    const { part } = one;
    if (part === undefined && content.bytes.length <= TEXT_BYTES) sendText(one, content.bytes);
    else sendBytes(one, part === undefined ? content.bytes : content.bytes.subarray(part.start, part.end + 1));
    return undefined;
  }

  async #sendGzipped({ found, heads, response }: FoundExchange, bytes: Buffer): Promise<void> {
    const gzipped = await this.#files.gzipped(found, bytes);
    // RFC 9110 section 8.8.1: other bytes, so the tag is a weak one.
    const known = heads.known.map((text) => (text === found.validators.etag ? `W/${text}` : text));
    const more = ['Content-Encoding', 'gzip', 'Content-Length', String(gzipped.length), 'Vary', 'Accept-Encoding'];
    response.writeHead(200, [...known, ...more, 'Content-Type', heads.type]).end(gzipped);
  }

  #headsOf(found: FoundFile, kind: StaticKind | 'delta', caches: Caches): Heads {
    const before = this.#heads[caches].get(found);
    if (before !== undefined) return before;
    const { etag, modified } = found.validators;
    const isIndex = kind === 'index';
    const isArtifact = kind === 'artifact' || kind === 'delta';
    const type = isArtifact || kind === 'download' ? BYTES_TYPE : JSON_TYPE;
    const known = [
      'ETag',
      etag,
      'Last-Modified',
      modified,
      'Cache-Control',
      isArtifact ? `${caches}, ${FOR_EVER}` : NO_CACHE,
    ];
    if (isArtifact) known.push('Vary', DELTA_VARY);
    if (kind === 'delta') known.push('Content-Encoding', 'dcz');
    if (isIndex) known.push(...this.#indexHeaders);
    const whole = [...known, 'Accept-Ranges', 'bytes', 'Content-Length', String(found.size), 'Content-Type', type];
    if (isIndex) whole.push('Vary', 'Accept-Encoding');
    const heads = { known, whole, type };
    this.#heads[caches].set(found, heads);
    return heads;
  }
}

/** Range has a meaning for GET alone (RFC 9110 section 14.2). */
function partOf({ method, headers }: HttpRequest, { validators, size }: FoundFile): Part | undefined {
  const part = method === 'GET' ? wantedPart(headers, validators, size) : undefined;
  if (part !== 'none') return part;
  throw new Refusal(416, 'there are no such bytes', { headers: { 'content-range': `bytes */${size}` } });
}

function takesGzip({ address, found, request }: FoundExchange): boolean {
  if (address.kind !== 'index' || found.size < GZIP_BYTES) return false;
  return GZIP_TAKEN.test(String(request.headers['accept-encoding'] ?? ''));
}

/** Node leaves the bytes out in the answer to HEAD. */
function sendBytes(one: FoundExchange, bytes?: Buffer): void {
  beginBytes(one);
  one.response.end(bytes);
}

/** Node puts a text and its headers into one packet, and bytes into one of their own. */
function sendText({ response, heads }: FoundExchange, bytes: Buffer): void {
  heads.text ??= bytes.toString('latin1');
  response.writeHead(200, heads.whole).end(heads.text, 'latin1');
}

function beginBytes({ response, found, heads, part }: FoundExchange): void {
  if (part === undefined) response.writeHead(200, heads.whole);
  else response.writeHead(206, partHeaders(part, found.size, heads));
}

function partHeaders({ start, end }: Part, size: number, { known, type }: Heads): Headers {
  const length = String(end - start + 1);
  const more = ['Accept-Ranges', 'bytes', 'Content-Length', length, 'Content-Type', type];
  return ['Content-Range', `bytes ${start}-${end}/${size}`, ...known, ...more];
}

async function sendLarge(one: FoundExchange, { handle }: Extract<Content, { kind: 'large' }>): Promise<void> {
  if (one.request.method === 'HEAD') {
    await handle.close();
    return sendBytes(one);
  }
  const { start, end } = one.part ?? { start: 0, end: one.found.size - 1 };
  beginBytes(one);
  try {
    await pipeline(handle.createReadStream({ start, end, highWaterMark: READ_BYTES }), one.response);
  } catch (error) {
    // Hosts that go away are told of in the access log.
    if (systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
