import { write } from 'node:fs';
import { systemCode } from '../../domain/errors.ts';
import { printableText } from '../../platform/text.ts';

const FLUSH_MS = 100;
const RETRY_MS = 50;
const CLOSE_MS = 1000;
/** Lines that nobody takes are dropped: a log that is stuck must not stop the server (invariant 8). */
const MAX_PENDING_CHARACTERS = 4 << 20;
const MAX_TEXT = 200;

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
 * that is full, a disk that is full or nobody, no request waits for it.
 */
export class AccessLog {
  readonly #descriptor: number;
  #lines: string[] = [];
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #dropped = 0;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Lines that were not written. */
  get dropped(): number {
    return this.#dropped;
  }

  add({ path, agent, ...rest }: Access): void {
    if (this.#characters > MAX_PENDING_CHARACTERS) {
      this.#dropped += 1;
      return;
    }
    const entry = {
      time: new Date().toISOString(),
      ...rest,
      path: path.slice(0, MAX_TEXT),
      agent: agent?.slice(0, MAX_TEXT),
    };
    // An escape of JSON, since these characters stand within its strings.
    const line = `${printableText(JSON.stringify(entry))}\n`;
    this.#lines.push(line);
    this.#characters += line.length;
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS);
  }

  /** Writes what is left, for a while: a reader that is stuck must not keep the process. */
  async close(): Promise<void> {
    this.#deadline = performance.now() + CLOSE_MS;
    await this.#flush();
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeAll());
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const lines = this.#lines;
    const characters = this.#characters;
    this.#lines = [];
    const bytes = Buffer.from(lines.join(''));
    for (let offset = 0; offset < bytes.length; ) {
      try {
        offset += await writeSome(this.#descriptor, bytes.subarray(offset));
      } catch (error) {
        if (systemCode(error) !== 'EAGAIN' || performance.now() > this.#deadline) {
          this.#dropped += lines.length;
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.#characters -= characters;
  }
}

function writeSome(descriptor: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}
