import { write } from 'node:fs';
import { systemCode } from '../../domain/errors.ts';
import { printableText } from '../../platform/text.ts';

const FLUSH_MS = 100;
const RETRY_MS = 50;
const CLOSE_MS = 1000;
/** Lines that nobody takes are dropped: a log that is stuck must not stop the server (invariant 8). */
const MAX_PENDING_BYTES = 4 << 20;
const MAX_TEXT = 200;
/** Many times the longest line. */
const BLOCK_BYTES = 64 * 1024;
/** Of one UTF-16 code unit in UTF-8. */
const MAX_CHARACTER_BYTES = 3;
const PLAIN = /^[ !#-[\]-~]*$/;

/** One answered request. */
export interface Access {
  readonly address: string;
  readonly method: string;
  /** Without the query, in which there might be a secret. */
  readonly path: string;
  /** 499 where the client went before the answer was complete. */
  readonly status: number;
  /** Sent, with the headers. */
  readonly bytes: number;
  /** Milliseconds. */
  readonly ms: number;
  /** Whose token it was. */
  readonly holder: string | undefined;
  readonly agent: string | undefined;
}

/**
 * One line of JSON a request, written by the thread pool a tenth of a second later at most: whatever reads it, a pipe
 * that is full, a disk that is full or nobody, no request waits for it. Lines are put into blocks as they come: as
 * strings they would live just long enough for the garbage collector to copy each of them twice.
 */
export class AccessLog {
  readonly #descriptor: number;
  #full: Buffer[] = [];
  #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #used = 0;
  #lines = 0;
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #dropped = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #time = { ms: 0, text: '' };

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Lines that were not written. */
  get dropped(): number {
    return this.#dropped;
  }

  add({ address, method, path, status, bytes, ms, holder, agent }: Access): void {
    if (this.#pendingBytes > MAX_PENDING_BYTES) {
      this.#dropped += 1;
      return;
    }
    const who = holder === undefined ? '' : `"holder":${quoted(holder)},`;
    const what = `"method":${quoted(method)},"status":${status},"bytes":${bytes},"ms":${ms}`;
    const by = agent === undefined ? '' : `,"agent":${quoted(agent)}`;
    this.#put(`{"time":"${this.#now()}","address":${quoted(address)},${what},${who}"path":${quoted(path)}${by}}\n`);
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS);
  }

  /** Writes what is left, for a while: a reader that is stuck must not keep the process. */
  async close(): Promise<void> {
    this.#deadline = performance.now() + CLOSE_MS;
    await this.#flush();
  }

  #put(line: string): void {
    if (line.length * MAX_CHARACTER_BYTES > BLOCK_BYTES - this.#used) {
      this.#full.push(this.#block.subarray(0, this.#used));
      this.#block = Buffer.allocUnsafe(BLOCK_BYTES);
      this.#used = 0;
    }
    const bytes = this.#block.write(line, this.#used);
    this.#used += bytes;
    this.#pendingBytes += bytes;
    this.#lines += 1;
  }

  /** Many requests share a millisecond. */
  #now(): string {
    const ms = Date.now();
    if (ms !== this.#time.ms) this.#time = { ms, text: new Date(ms).toISOString() };
    return this.#time.text;
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeAll());
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const bytes = Buffer.concat([...this.#full, this.#block.subarray(0, this.#used)]);
    const lines = this.#lines;
    this.#full = [];
    this.#used = 0;
    this.#lines = 0;
    for (let offset = 0; offset < bytes.length; ) {
      try {
        offset += await writeSome(this.#descriptor, bytes.subarray(offset));
      } catch (error) {
        if (systemCode(error) !== 'EAGAIN' || performance.now() > this.#deadline) {
          this.#dropped += lines;
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.#pendingBytes -= bytes.length;
  }
}

/** As JSON has it, without what would forge a line or steer a terminal. Nearly all texts need no escape at all. */
function quoted(text: string): string {
  const short = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  return PLAIN.test(short) ? `"${short}"` : printableText(JSON.stringify(short));
}

function writeSome(descriptor: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}
