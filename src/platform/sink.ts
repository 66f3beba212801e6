import type { Digest } from '../domain/digest.ts';
import type { Rate } from './http-body.ts';

/** Where a download goes. `restart` throws away everything written so far. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
  restart(): Promise<void>;
}

export interface DownloadLimits {
  readonly maxBytes: number;
  /** How long a silence may last. */
  readonly idleMs: number;
  readonly totalMs: number;
  /** At least so many bytes in so much waiting: a server that sends one byte now and then is never silent. */
  readonly least?: Rate;
  readonly signal?: AbortSignal;
  /** Bytes of what comes over the network, be it the file or a delta. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  /** A server may send a delta to this file instead (RFC 9842). */
  readonly former?: FormerFile;
  /** Told why a delta was of no use, before the whole file is asked for. */
  readonly onWhole?: (why: string) => void;
}

/** A file that lies here, and what is to become of it. */
export interface FormerFile {
  readonly path: string;
  /** In hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** What is to come out: a delta says nothing of its own result. */
  readonly result: Digest;
}
