import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { digestText } from '../domain/digest.ts';
import { errorText } from '../domain/errors.ts';
import { HttpTrouble, intoSink, SinkTrouble } from './http-trouble.ts';
import type { HttpAnswer } from './http-way.ts';
import type { FormerFile, Sink } from './sink.ts';
import { type Zstd, zstdWithDictionary } from './zstd.ts';

/** RFC 9842 section 2.2 and 5: a window of 128 MiB is the largest that is to be expected of a client. */
const WINDOW_LOG = 27;
/** Room that is left to everybody else when a delta is applied. */
const SPARE_BYTES = 64 << 20;
/** A skippable frame of 32 bytes, to a zstd decoder that knows nothing of dictionaries (RFC 9842 section 5). */
const MAGIC = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0]);
const HEADER_BYTES = MAGIC.length + 32;
const CODING = 'dcz';

/**
 * What is needed to take a delta to a file that lies here (RFC 9842); undefined where that cannot be: a Node whose
 * zstd takes no dictionary, a file too large, too little memory. Both files and zstd's own copy are in memory then.
 */
export function openDelta(former: FormerFile, sink: Sink, maxBytes: number): Delta | undefined {
  const { size } = former;
  const window = Math.min(maxBytes, 2 ** WINDOW_LOG);
  if (size > window || process.availableMemory() < 2 * size + window + SPARE_BYTES) return undefined;
  const zstd = zstdWithDictionary();
  return zstd && new Delta(former, { sink, maxBytes }, zstd);
}

interface Goal {
  readonly sink: Sink;
  readonly maxBytes: number;
}

/** One download that may come as a delta. Throws {@link HttpTrouble} `delta`, and {@link SinkTrouble}. */
export class Delta {
  readonly headers: Readonly<Record<string, string>>;
  readonly #former: FormerFile;
  readonly #goal: Goal;
  readonly #zstd: Zstd;
  #applying: Applying | undefined;

  constructor(former: FormerFile, goal: Goal, zstd: Zstd) {
    this.#former = former;
    this.#goal = goal;
    this.#zstd = zstd;
    const digest = Buffer.from(former.sha256, 'hex').toString('base64');
    this.headers = { 'accept-encoding': `${CODING}, identity;q=0.5`, 'available-dictionary': `:${digest}:` };
  }

  /** Whether a server has sent one. */
  get isUsed(): boolean {
    return this.#applying !== undefined;
  }

  isIn(answer: HttpAnswer): boolean {
    return answer.header('content-encoding') === CODING;
  }

  /** The sink for what comes. */
  async begin(): Promise<Sink> {
    const applying = new Applying(this.#former, this.#goal, this.#zstd);
    this.#applying = applying;
    await applying.open();
    return applying;
  }

  async end(): Promise<void> {
    await this.#applying?.end();
  }

  /** Nothing is handed on after this. */
  async close(): Promise<void> {
    await this.#applying?.close();
  }
}

/** Takes a delta in, and hands on what comes of it. */
class Applying implements Sink {
  readonly #former: FormerFile;
  readonly #goal: Goal;
  readonly #zstd: Zstd;
  #dictionary: Buffer = Buffer.alloc(0);
  #header: Buffer = Buffer.alloc(0);
  #decoder: Transform | undefined;
  #handedOn: Promise<void> = Promise.resolve();
  #hash: Hash;
  #bytes = 0;

  constructor(former: FormerFile, goal: Goal, zstd: Zstd) {
    this.#former = former;
    this.#goal = goal;
    this.#zstd = zstd;
    this.#hash = createHash(former.result.algorithm);
  }

  /** The file may be another one by now than when its digest was taken. */
  async open(): Promise<void> {
    const { path, sha256 } = this.#former;
    this.#dictionary = await readFile(path).catch((error: unknown) => {
      throw trouble(errorText(error), error);
    });
    const found = createHash('sha256').update(this.#dictionary).digest('hex');
    if (found !== sha256) throw trouble(`${path} has changed: expected sha256:${sha256}, found sha256:${found}`);
    this.#begin();
  }

  async write(chunk: Uint8Array): Promise<void> {
    const rest = this.#header.length < HEADER_BYTES ? this.#readHeader(chunk) : chunk;
    const decoder = this.#decoder;
    if (rest.length === 0 || decoder === undefined) return;
    if (decoder.write(rest)) return;
    // What breaks the decoder is told by whoever reads it.
    const drained = once(decoder, 'drain').catch(() => this.#handedOn);
    await Promise.race([drained, this.#handedOn]);
  }

  async restart(): Promise<void> {
    await this.close();
    await this.#goal.sink.restart();
    this.#begin();
  }

  /** Throws where the result is not what was to come out. */
  async end(): Promise<void> {
    this.#decoder?.end();
    await this.#handedOn;
    const { algorithm } = this.#former.result;
    const found = { algorithm, hex: this.#hash.digest('hex') };
    if (found.hex === this.#former.result.hex) return;
    const wanted = digestText(this.#former.result);
    throw trouble(`it comes to ${digestText(found)} (${this.#bytes} bytes), expected ${wanted}`);
  }

  async close(): Promise<void> {
    this.#decoder?.destroy();
    this.#decoder = undefined;
    await this.#handedOn.catch(() => undefined);
  }

  #begin(): void {
    this.#header = Buffer.alloc(0);
    this.#bytes = 0;
    this.#hash = createHash(this.#former.result.algorithm);
    const decoder = this.#zstd.decoder(this.#dictionary, WINDOW_LOG);
    this.#decoder = decoder;
    this.#handedOn = this.#handOn(decoder);
    // Whoever writes or ends next hears of it.
    this.#handedOn.catch(() => undefined);
  }

  #readHeader(chunk: Uint8Array): Uint8Array {
    const missing = HEADER_BYTES - this.#header.length;
    this.#header = Buffer.concat([this.#header, chunk.subarray(0, missing)]);
    if (this.#header.length === HEADER_BYTES) {
      const [magic, dictionary] = [this.#header.subarray(0, MAGIC.length), this.#header.subarray(MAGIC.length)];
      if (!magic.equals(MAGIC))
        throw trouble(`it begins with ${magic.toString('hex')}, expected ${MAGIC.toString('hex')}`);
      if (dictionary.toString('hex') !== this.#former.sha256) {
        throw trouble(`it is one to sha256:${dictionary.toString('hex')}, expected sha256:${this.#former.sha256}`);
      }
    }
    return chunk.subarray(missing);
  }

  async #handOn(decoder: Transform): Promise<void> {
    try {
      for await (const chunk of decoder as AsyncIterable<Buffer>) {
        this.#bytes += chunk.length;
        if (this.#bytes > this.#goal.maxBytes) throw trouble(`it comes to more than ${this.#goal.maxBytes} bytes`);
        this.#hash.update(chunk);
        await intoSink(this.#goal.sink.write(chunk));
      }
    } catch (error) {
      if (error instanceof SinkTrouble || error instanceof HttpTrouble) throw error;
      throw trouble(errorText(error), error);
    }
  }
}

function trouble(why: string, cause?: unknown): HttpTrouble {
  return new HttpTrouble('delta', `the delta to the former file is of no use: ${why}`, { cause });
}
