import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCode } from '../domain/errors.ts';

/**
 * So much of a file stays in memory: a program is started as soon as it is installed, and digested by the next tick, and
 * few are larger.
 */
const CACHED_BYTES = 128 << 20;
/** A whole number of any disk's sectors. */
const SECTOR_BYTES = 4096;
const WASM_PAGE_BYTES = 1 << 16;
/** Its types come with those of browsers only. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

/**
 * A file that is written from its beginning to its end, however large. What comes after its first {@link CACHED_BYTES}
 * goes past the page cache, where the file system has such a way: a gigabyte in there would cost the kernel more than all
 * the rest of an update (docs/performance.md), push out what others have in memory, and have them wait when the disk takes
 * it all. The handle stays its owner's, and syncing too: a direct write is no durable one (open(2)).
 */
export class LargeFile {
  readonly #handle: FileHandle;
  readonly #cachedBytes: number;
  #direct: FileHandle | 'not yet' | 'none' = 'not yet';
  #size = 0;

  constructor(handle: FileHandle, cachedBytes = CACHED_BYTES) {
    this.#handle = handle;
    this.#cachedBytes = cachedBytes;
  }

  /** Bytes written. */
  get size(): number {
    return this.#size;
  }

  /** One at a time. The block must be left as it is until it is written, and be {@link pageAligned} to get past the cache. */
  async append(block: Buffer): Promise<void> {
    for (let rest = block; rest.length > 0; ) {
      const written = (await this.#writeDirectly(rest)) ?? (await writeAt(this.#handle, rest, this.#size));
      this.#size += written;
      rest = rest.subarray(written);
    }
  }

  /** Throws away what was written. */
  async restart(): Promise<void> {
    this.#size = 0;
    await this.#handle.truncate(0);
  }

  /** The file itself stays open. */
  async close(): Promise<void> {
    if (typeof this.#direct !== 'string') await this.#direct.close();
    this.#direct = 'none';
  }

  /** Returns how much was written; undefined where that is to be done the other way. */
  async #writeDirectly(block: Buffer): Promise<number | undefined> {
    if (this.#size < this.#cachedBytes || block.length % SECTOR_BYTES !== 0) return undefined;
    if (this.#direct === 'not yet') this.#direct = (await openDirect(this.#handle)) ?? 'none';
    if (this.#direct === 'none') return undefined;
    try {
      return await writeAt(this.#direct, block, this.#size);
    } catch (error) {
      // open(2): a file system, a disk or memory that is not made for it.
      if (systemCode(error) !== 'EINVAL') throw error;
      await this.close();
      return undefined;
    }
  }
}

/**
 * Memory that begins where a page does, as direct writes want it (open(2), O_DIRECT). Of all that Node can allocate only
 * WebAssembly's does; where there is none (`ulimit -v`, `--jitless`) it is other memory, with which they fail.
 */
export function pageAligned(bytes: number): Buffer {
  try {
    const { buffer } = new WebAssembly.Memory({ initial: Math.ceil(bytes / WASM_PAGE_BYTES) });
    return Buffer.from(buffer, 0, bytes);
  } catch {
    return Buffer.allocUnsafeSlow(bytes);
  }
}

/** The same file once more, whatever its name leads to by now. Undefined where it cannot be had: it can be written without. */
function openDirect({ fd }: FileHandle): Promise<FileHandle | undefined> {
  return open(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_DIRECT).catch(() => undefined);
}

async function writeAt(handle: FileHandle, block: Buffer, position: number): Promise<number> {
  return (await handle.write(block, 0, block.length, position)).bytesWritten;
}
