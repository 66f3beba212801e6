import { errorText } from '../domain/errors.ts';

export type HttpTroubleKind =
  /** No answer, or it broke off: worth another try. */
  'unreachable' | 'stalled' | 'truncated' | 'too-large' | 'unsafe-redirect' | 'content-encoding';

export class HttpTrouble extends Error {
  override readonly name = 'HttpTrouble';
  readonly kind: HttpTroubleKind;

  constructor(kind: HttpTroubleKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
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

/** fetch says "fetch failed" and hides the story in its causes; a refused dual-stack connection has an empty message. */
export function transportText(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const codes = cause instanceof AggregateError ? cause.errors.map((e: unknown) => errorText(e)).join('; ') : '';
  return codes === '' ? errorText(error) : codes;
}

/** A URL without credentials and query: both may hold secrets (invariant 14). */
export function printable(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
