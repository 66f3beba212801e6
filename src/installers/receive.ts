import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type Digest, digestText } from '../domain/digest.ts';
import { UpdateError } from '../domain/errors.ts';
import type { Sink } from '../platform/http.ts';

/** A write of what one packet brings costs as much as one of a hundred packets. */
const BATCH_BYTES = 1 << 20;

/** Writes what is delivered and digests it in the same pass. Throws where it is not the release that was offered. */
export async function receive(
  handle: FileHandle,
  wanted: Digest,
  deliver: (sink: Sink) => Promise<void>,
): Promise<void> {
  const file = new DigestedFile(handle, wanted.algorithm);
  try {
    await deliver(file);
  } finally {
    // The handle is closed next: a write that is still under way could hit whatever file gets its number.
    await file.settled();
  }
  const { hex, bytes } = await file.end();
  if (hex === wanted.hex) return;
  const found = `expected ${digestText(wanted)}, received ${wanted.algorithm}:${hex} (${bytes} bytes)`;
  throw new UpdateError({ reason: 'digest-mismatch', fault: 'transfer' }, found, {
    hint: 'The release changed during the download, or the server sent something else.',
  });
}

/** One batch is written while the next one comes in and is digested; no more than two are ever held. */
class DigestedFile implements Sink {
  readonly #handle: FileHandle;
  readonly #algorithm: string;
  #hash;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #position = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, algorithm: string) {
    this.#handle = handle;
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.#batch.push(chunk);
    this.#batchBytes += chunk.byteLength;
    if (this.#batchBytes >= BATCH_BYTES) await this.#flush();
  }

  async restart(): Promise<void> {
    await this.#writing;
    this.#hash = createHash(this.#algorithm);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#position = 0;
    await this.#handle.truncate(0);
  }

  /** Waits for the write that is under way, whatever becomes of it. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  async end(): Promise<{ readonly hex: string; readonly bytes: number }> {
    await this.#flush();
    await this.#writing;
    return { hex: this.#hash.digest('hex'), bytes: this.#position };
  }

  async #flush(): Promise<void> {
    await this.#writing;
    this.#writing = this.#writeAll(this.#batch);
    // Whoever writes or ends next hears of it.
    this.#writing.catch(() => undefined);
    this.#batch = [];
    this.#batchBytes = 0;
  }

  async #writeAll(batch: readonly Uint8Array[]): Promise<void> {
    for (let rest = batch; rest.length > 0; ) {
      const { bytesWritten } = await this.#handle.writev([...rest], this.#position);
      this.#position += bytesWritten;
      rest = after(rest, bytesWritten);
    }
  }
}

/** What is left of a batch of which so many bytes are written. */
function after(batch: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  for (const [index, chunk] of batch.entries()) {
    if (left < chunk.byteLength) return [chunk.subarray(left), ...batch.slice(index + 1)];
    left -= chunk.byteLength;
  }
  return [];
}
