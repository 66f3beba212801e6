import type { HttpServerLimits } from '../../platform/http-server.ts';

/** What one client may ask of the server. Times are milliseconds. */
export interface Limits extends HttpServerLimits {
  readonly maxUploadBytes: number;
  /** Every body but that of an upload. */
  readonly bodyBytes: number;
  readonly bodyMs: number;
  /** Longer URLs are refused in words before their headers are too much. */
  readonly urlCharacters: number;
  /** For answers that are under way when the server is stopped. */
  readonly graceMs: number;
}

export const LIMITS: Limits = {
  maxUploadBytes: 2 * 2 ** 30,
  bodyBytes: 256 * 1024,
  bodyMs: 30_000,
  urlCharacters: 8 * 1024,
  graceMs: 10_000,
  headerBytes: 16 * 1024,
  headersMs: 15_000,
  // An upload over a slow line.
  requestMs: 3_600_000,
  idleMs: 60_000,
  keepAliveMs: 30_000,
  // There must be file descriptors left for answers.
  connections: 10_000,
};
