import { createHash, randomBytes } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Executable, HEADER_BYTES, readExecutable } from '../domain/executable.ts';
import { createExclusive, orUndefined, removeFile } from '../platform/files.ts';
import { refused } from './errors.ts';
import { BENCH_PREFIX } from './workbench.ts';

const UPLOAD_PREFIX = 'upload-';
/** Nobody uploads for so long; until then a file may be another's, on its way. */
const ABANDONED_MS = 24 * 3_600_000;

/** A file that has arrived whole, and is on disk. */
export interface Upload {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
  readonly executable: Executable;
}

/**
 * Takes bytes in, and both digests in the same pass; needs no lock. Whatever goes wrong, nothing is left. Throws
 * {@link ManagerError} `refused` for an empty file, and whatever `bytes` throws.
 */
export async function receiveUpload(
  staging: string,
  bytes: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<Upload> {
  const file = stagedFile(staging);
  const handle = await createExclusive(file);
  try {
    const [md5, sha256] = [createHash('md5'), createHash('sha256')];
    const header = Buffer.alloc(HEADER_BYTES);
    let size = 0;
    signal?.throwIfAborted();
    for await (const chunk of bytes) {
      signal?.throwIfAborted();
      if (size < HEADER_BYTES) header.set(chunk.subarray(0, HEADER_BYTES - size), size);
      md5.update(chunk);
      sha256.update(chunk);
      await handle.writeFile(chunk);
      size += chunk.length;
    }
    if (size === 0) throw refused('the file is empty: it cannot be a release', 'Was it built, and read to its end?');
    await handle.chmod(0o444);
    await handle.sync();
    const executable = readExecutable(header.subarray(0, size));
    return { file, size, md5: md5.digest('hex'), sha256: sha256.digest('hex'), executable };
  } catch (error) {
    await removeFile(file);
    throw error;
  } finally {
    await handle.close();
  }
}

/** A new name for a file that is made without the lock. */
export function stagedFile(staging: string): string {
  return join(staging, `${UPLOAD_PREFIX}${randomBytes(8).toString('hex')}`);
}

/** Removes what killed runs left. The caller holds the lock, so nobody else has anything on the workbench. */
export async function sweepStaging(staging: string, now: Date): Promise<void> {
  for (const name of (await orUndefined(readdir(staging))) ?? []) {
    const path = join(staging, name);
    const stats = await orUndefined(lstat(path));
    const isAbandoned =
      name.startsWith(UPLOAD_PREFIX) && stats !== undefined && now.getTime() - stats.mtimeMs > ABANDONED_MS;
    if (name.startsWith(BENCH_PREFIX) || isAbandoned) await removeFile(path);
  }
}
