import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** What newer Nodes have in `node:zlib`. */
interface NewerZlib {
  readonly createZstdDecompress?: (options: Options) => Transform;
  readonly zstdDecompressSync?: (frame: Buffer, options: Options) => Buffer;
}

interface Options {
  readonly dictionary: Buffer;
  readonly params?: Readonly<Record<number, number>>;
}

/** A zstd that takes a former file for its dictionary. */
export interface Zstd {
  /** `windowLog`: of the largest window that a frame may ask for, in bits. */
  decoder(dictionary: Buffer, windowLog: number): Transform;
}

/** `ZSTD_d_windowLogMax` of zstd.h. */
const WINDOW_LOG_MAX = 100;
/** A frame that says {@link PROBE_TEXT}, and holds nothing but that it stands in the dictionary. */
const PROBE = Buffer.from('KLUv/SApNQAAAAEAGKSA', 'base64');
const PROBE_TEXT = Buffer.from('What is said once need not be said again.');

/**
 * Undefined on a Node without zstd (20), and on one that has it and passes over the dictionary without a word (22 before
 * 22.19, 24 before 24.6): so it is tried, and no version is read.
 */
export function zstdWithDictionary(): Zstd | undefined {
  const { createZstdDecompress: create, zstdDecompressSync: decompress } = zlib as NewerZlib;
  if (create === undefined || decompress === undefined) return undefined;
  try {
    const said = decompress(PROBE, { dictionary: PROBE_TEXT });
    if (!said.equals(PROBE_TEXT)) return undefined;
  } catch {
    return undefined;
  }
  return { decoder: (dictionary, windowLog) => create({ dictionary, params: { [WINDOW_LOG_MAX]: windowLog } }) };
}
