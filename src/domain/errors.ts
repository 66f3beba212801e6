/**
 * Two families of trouble. A {@link RunError} ends the run and decides its exit code; an {@link UpdateError} ends the
 * work on one binary, and the others go on. Both say what was expected, what was found and what to do, and keep the cause.
 */
export type RunErrorCode =
  | 'usage'
  /** Understood, and not done: the binary stays as it is. */
  | 'refused'
  /** Everything is written, and what is to start it every minute does not. */
  | 'not-started'
  /** A plan that was saved, and that the world has left behind. */
  | 'outdated'
  | 'settings-invalid'
  | 'manifest-invalid'
  | 'no-permission'
  /** Full, over its quota, or failing. */
  | 'disk-trouble'
  | 'lock-held'
  | 'lock-lost'
  /** SIGINT. */
  | 'interrupted'
  /** SIGTERM or SIGHUP. */
  | 'terminated';

export interface ErrorStory {
  readonly cause?: unknown;
  /** What the reader can do about it, as a sentence of its own. */
  readonly hint?: string;
}

export class RunError extends Error {
  override readonly name = 'RunError';
  readonly code: RunErrorCode;
  readonly hint: string | undefined;

  constructor(code: RunErrorCode, message: string, story: ErrorStory = {}) {
    super(message, { cause: story.cause });
    this.code = code;
    this.hint = story.hint;
  }
}

/**
 * Who is to blame for a failed update (invariant 5). Only `release` leads to quarantine; `host` and `transfer` are
 * tried again after a while; `setup` waits for the operator and is looked at again every tick.
 */
export type Fault = 'release' | 'host' | 'transfer' | 'setup';

export type FailureReason =
  | 'source-unreachable'
  | 'source-refused'
  | 'no-such-release'
  /** There are builds of the release, none of them for this host. */
  | 'wrong-platform'
  | 'bad-answer'
  | 'foreign-target'
  | 'unreadable-target'
  | 'no-permission'
  | 'no-space'
  | 'download-failed'
  | 'digest-mismatch'
  | 'not-runnable'
  | 'check-failed'
  | 'staging-failed'
  | 'supervisor-unreachable'
  | 'unknown-service'
  | 'service-unsettled'
  | 'did-not-start'
  | 'did-not-stay-up'
  | 'runs-another-file'
  /** It runs, and its own health check says that it does not do its work. */
  | 'unhealthy'
  | 'interrupted'
  /** An earlier update could not be ended: it comes first. */
  | 'blocked'
  | 'needs-a-human';

/** What went wrong, and on whose account. */
export interface Blame {
  readonly reason: FailureReason;
  readonly fault: Fault;
}

export class UpdateError extends Error {
  override readonly name = 'UpdateError';
  readonly reason: FailureReason;
  readonly fault: Fault;
  readonly hint: string | undefined;

  constructor({ reason, fault }: Blame, message: string, story: ErrorStory = {}) {
    super(message, { cause: story.cause });
    this.reason = reason;
    this.fault = fault;
    this.hint = story.hint;
  }
}

/**
 * One line for an error and its causes, without stack or properties: an error object of an HTTP client carries
 * headers, so it is never printed whole (invariant 14).
 */
export function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let next: unknown = error, depth = 0; next instanceof Error && depth < 5; next = next.cause, depth++) {
    const inner = next instanceof AggregateError ? next.errors.map((e) => errorText(e)).join('; ') : '';
    const text = [next.message, inner].filter((part) => part !== '').join(': ') || next.name;
    if (!parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.length > 0 ? parts.join(': ') : String(error);
}

/** The `code` of a system error (`ENOENT`, `EACCES`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === 'string' ? code : undefined;
}
