import type { HttpServerLimits } from '../../platform/http-server.ts';
import type { Rates } from './rates.ts';

/** What one client may ask of the server. Times are milliseconds. */
export interface Limits extends HttpServerLimits, Rates {
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
  // A person who pages through a fleet, or a program that reads all of one in slices.
  looksAMinute: 600,
  // 10,000 hosts behind one address, all of which update a binary in the same minute.
  reportsAMinute: 60_000,
  // The same hosts, after the server has lost what it knew.
  newHostsAnHour: 10_000,
  // There must be file descriptors left for answers.
  connections: 10_000,
};
