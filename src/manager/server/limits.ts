/** What one client may ask of the server. Times are milliseconds. */
export interface Limits {
  readonly maxUploadBytes: number;
  /** All headers of a request. */
  readonly headersMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** A request with its body: an upload over a slow line. */
  readonly requestMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
}

export const LIMITS: Limits = {
  maxUploadBytes: 2 * 2 ** 30,
  headersMs: 15_000,
  idleMs: 60_000,
  requestMs: 3_600_000,
  keepAliveMs: 30_000,
};

/** Of every body but that of an upload. */
const BODY_BYTES = 256 * 1024;
/** URL and headers together. */
const HEADER_BYTES = 16 * 1024;
/** One more is closed at once: there must be file descriptors left for answers. */
export const MAX_CONNECTIONS = 10_000;
const MAX_CHECK_MS = 5000;
/** Longer than any name, so that it is we who say what is wrong with one. */
const PARAMETER_LENGTH = HEADER_BYTES;

/** For Fastify. */
export function appLimits({ idleMs, requestMs, keepAliveMs }: Limits) {
  return {
    bodyLimit: BODY_BYTES,
    connectionTimeout: idleMs,
    keepAliveTimeout: keepAliveMs,
    requestTimeout: requestMs,
    routerOptions: { maxParamLength: PARAMETER_LENGTH },
  };
}

/** For Node's own server below it. */
export function nodeLimits({ headersMs }: Limits) {
  return {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: headersMs,
    // How often Node looks for slow clients.
    connectionsCheckingInterval: Math.min(headersMs, MAX_CHECK_MS),
  };
}
