import { type ErrorStory, errorText, systemCode } from '../domain/errors.ts';

export type HttpTroubleKind =
  /** No answer, or it broke off: worth another try. */
  | 'unreachable'
  | 'stalled'
  | 'truncated'
  | 'too-large'
  | 'unsafe-redirect'
  | 'content-encoding'
  /** A delta to a former file that comes to nothing: the whole file may. */
  | 'delta';

export class HttpTrouble extends Error {
  override readonly name = 'HttpTrouble';
  readonly kind: HttpTroubleKind;
  readonly hint: string | undefined;

  constructor(kind: HttpTroubleKind, message: string, { cause, hint }: ErrorStory = {}) {
    super(message, { cause });
    this.kind = kind;
    this.hint = hint;
  }
}

/** A status other than the expected one, with the start of what the server said. */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly status: number;

  constructor(status: number, url: URL) {
    super(`HTTP ${status} from ${printable(url)}`);
    this.status = status;
  }
}

/** Trouble of the sink (a full disk), which must not be taken for trouble of the network. */
export class SinkTrouble extends Error {
  override readonly name = 'SinkTrouble';
}

/** What a sink that only hands on has to say of the bytes themselves stays what it is. */
export async function intoSink(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (cause instanceof SinkTrouble || cause instanceof HttpTrouble) throw cause;
    throw new SinkTrouble('the sink failed', { cause });
  }
}

/** fetch says "fetch failed" and hides the story in its causes; a refused dual-stack connection has an empty message. */
export function transportText(error: unknown): string {
  const isEmpty = error instanceof TypeError && error.message === 'fetch failed' && error.cause instanceof Error;
  return errorText(isEmpty ? error.cause : error);
}

/** A URL without credentials and query: both may hold secrets (invariant 14). */
export function printable(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

interface Refusal {
  readonly url: URL;
  readonly proxy: URL;
  readonly status: number;
}

/** A proxy that was reached, and will not have it. */
export function refusedByProxy({ url, proxy, status }: Refusal): HttpTrouble {
  const story = `no answer from ${printable(url)}: the proxy ${proxy.origin}`;
  if (status === 407 || status === 401) {
    return new HttpTrouble('unreachable', `${story} wants a valid user and password (HTTP ${status})`, {
      hint: `Correct them in ${url.protocol.slice(0, -1)}_proxy: http://USER:PASSWORD@HOST:PORT`,
    });
  }
  return new HttpTrouble('unreachable', `${story} refuses to connect (HTTP ${status})`, {
    hint: 'Allow it there, or name the host in no_proxy.',
  });
}

/** What failed on the way through a proxy, with the proxy's share in it. */
export function proxyTrouble(error: unknown, url: URL, proxy: URL): Error {
  if (error instanceof HttpTrouble) return error;
  const text = errorText(error);
  const status = /^.*Proxy (?:response|Authentication Required) \((\d+)\)/.exec(text)?.[1];
  if (status !== undefined) return refusedByProxy({ url, proxy, status: Number(status) });
  const way = CONNECTING.has(codeOf(error) ?? '') ? 'cannot be reached' : 'stands between';
  // With its cause the code goes on; its text is told already.
  return new Error(`the proxy ${proxy.origin} ${way}: ${transportText(error)}`, { cause: causeOf(error) });
}

function causeOf(error: unknown): unknown {
  return error instanceof TypeError ? error.cause : error;
}

/** With a proxy only the proxy itself is connected to. */
const CONNECTING: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** What an operator can do about it, where the trouble is not simply that of the network. */
export function transportHint(error: unknown, now: Date): string | undefined {
  const code = codeOf(error) ?? '';
  if (UNKNOWN_AUTHORITY.has(code)) {
    return 'If that is your own authority, name a file with its certificate in BIN_PROXY_CA_FILE.';
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `Renew the certificate, or correct the clock of this host: it says ${now.toISOString()}.`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'Use a name that stands in the certificate in BIN_MANAGER_API, or put this one into the certificate.';
  }
  if (errorText(error).endsWith('bad port')) {
    return 'HTTP clients refuse this port, because it belongs to another protocol: the server needs another one.';
  }
  return undefined;
}

/** The first code among an error and its causes. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner =
    error instanceof AggregateError ? error.errors.map(codeOf).find((code) => code !== undefined) : undefined;
  return inner ?? systemCode(error) ?? codeOf(error.cause);
}
