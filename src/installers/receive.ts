import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type Digest, digestText } from '../domain/digest.ts';
import { UpdateError } from '../domain/errors.ts';
import type { Sink } from '../platform/http.ts';

/** Writes what is delivered and digests it in the same pass. Throws where it is not the release that was offered. */
export async function receive(
  handle: FileHandle,
  wanted: Digest,
  deliver: (sink: Sink) => Promise<void>,
): Promise<void> {
  let hash = createHash(wanted.algorithm);
  let position = 0;
  await deliver({
    write: async (chunk) => {
      hash.update(chunk);
      for (let rest = chunk; rest.length > 0; ) {
        const { bytesWritten } = await handle.write(rest, 0, rest.length, position);
        position += bytesWritten;
        rest = rest.subarray(bytesWritten);
      }
    },
    restart: async () => {
      hash = createHash(wanted.algorithm);
      position = 0;
      await handle.truncate(0);
    },
  });
  const hex = hash.digest('hex');
  if (hex === wanted.hex) return;
  const found = `expected ${digestText(wanted)}, received ${wanted.algorithm}:${hex} (${position} bytes)`;
  throw new UpdateError({ reason: 'digest-mismatch', fault: 'transfer' }, found, {
    hint: 'The release changed during the download, or the server sent something else.',
  });
}
