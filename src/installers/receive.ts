import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type Digest, digestText } from '../domain/digest.ts';
import { UpdateError } from '../domain/errors.ts';
import { LargeFile, pageAligned } from '../platform/large-file.ts';
import type { Sink } from '../platform/sink.ts';

/**
 * A write of what one packet brings costs as much as one of a hundred packets: each is an errand for another thread. With 4
 * MiB a download was quicker still on a busy machine, by a tenth, and took more memory than it may.
 */
const BLOCK_BYTES = 2 << 20;
/** The disk gets to work while the rest comes in, instead of when all of it is there. */
const SYNC_BYTES = 32 << 20;

/** Writes what is delivered and digests it in the same pass. Throws where it is not the release that was offered. */
export async function receive(
  handle: FileHandle,
  wanted: Digest,
  deliver: (sink: Sink) => Promise<void>,
): Promise<void> {
  const file = new DigestedFile(handle, wanted.algorithm);
  try {
    await deliver(file);
    const { hex, bytes } = await file.end();
    if (hex === wanted.hex) return;
    const found = `expected ${digestText(wanted)}, received ${wanted.algorithm}:${hex} (${bytes} bytes)`;
    throw new UpdateError({ reason: 'digest-mismatch', fault: 'transfer' }, found, {
      hint: 'The release changed during the download, or the server sent something else.',
    });
  } finally {
    // The handle is closed next: a write that is still under way could hit whatever file gets its number.
    await file.close();
  }
}

/**
 * One block is written while it is digested and the next one comes in. The blocks are used again and again: memory that
 * is new for every packet costs the kernel more than all the rest.
 */
class DigestedFile implements Sink {
  readonly #handle: FileHandle;
  readonly #file: LargeFile;
  readonly #algorithm: string;
  #hash;
  #block: Buffer;
  #other: Buffer;
  #filled = 0;
  #synced = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, algorithm: string) {
    this.#handle = handle;
    this.#file = new LargeFile(handle);
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
    const blocks = pageAligned(2 * BLOCK_BYTES);
    this.#block = blocks.subarray(0, BLOCK_BYTES);
    this.#other = blocks.subarray(BLOCK_BYTES);
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let taken = 0; taken < chunk.byteLength; ) {
      const part = chunk.subarray(taken, taken + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.byteLength;
      taken += part.byteLength;
      if (this.#filled === BLOCK_BYTES) await this.#flush();
    }
  }

  async restart(): Promise<void> {
    await Promise.all([this.#writing, this.#syncing]);
    this.#hash = createHash(this.#algorithm);
    this.#filled = 0;
    this.#synced = 0;
    await this.#file.restart();
  }

  async end(): Promise<{ readonly hex: string; readonly bytes: number }> {
    await this.#flush();
    // The kernel tells of a block that it could not write to one sync only: its failure must not be lost.
    await Promise.all([this.#writing, this.#syncing]);
    return { hex: this.#hash.digest('hex'), bytes: this.#file.size };
  }

  /** Waits for what is under way, whatever becomes of it. The handle itself stays open. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#syncing]);
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#file.size - this.#synced >= SYNC_BYTES) await this.#sync();
    const full = this.#block.subarray(0, this.#filled);
    this.#writing = this.#file.append(full);
    // Whoever writes or ends next hears of it.
    this.#writing.catch(() => undefined);
    this.#hash.update(full);
    [this.#block, this.#other] = [this.#other, this.#block];
    this.#filled = 0;
  }

  async #sync(): Promise<void> {
    await this.#syncing;
    this.#synced = this.#file.size;
    this.#syncing = this.#handle.datasync();
    this.#syncing.catch(() => undefined);
  }
}
