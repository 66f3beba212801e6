import { errorText, UpdateError } from '../domain/errors.ts';
import { HttpTrouble, printable } from '../platform/http-trouble.ts';

/** What is not an answer of this protocol. */
export function badAnswer(message: string): UpdateError {
  return new UpdateError({ reason: 'bad-answer', fault: 'transfer' }, message, {
    hint: 'Is BIN_MANAGER_API the address of a bin-manager?',
  });
}

export function noSuchRelease(message: string): UpdateError {
  return new UpdateError({ reason: 'no-such-release', fault: 'transfer' }, message, {
    hint: 'Publish the release, or correct "name" or "version" in the manifest.',
  });
}

export function statusError(status: number, url: URL): UpdateError {
  const story = `HTTP ${status} from ${printable(url)}`;
  if (status === 404) return noSuchRelease(story);
  if (status === 401 || status === 403) {
    return new UpdateError({ reason: 'source-refused', fault: 'transfer' }, story, {
      hint: 'Set BIN_MANAGER_TOKEN_FILE to a file with a valid token.',
    });
  }
  return status >= 500 || status === 429 || status === 408
    ? new UpdateError({ reason: 'source-unreachable', fault: 'transfer' }, story)
    : badAnswer(`${story}, expected 200`);
}

/** Whether the same question would get the same trouble: the server has answered, in a way that is not taken. */
export function isLasting(error: unknown): error is HttpTrouble {
  return error instanceof HttpTrouble && !['unreachable', 'stalled', 'truncated'].includes(error.kind);
}

export function asUpdateError(error: unknown): UpdateError {
  if (error instanceof UpdateError) return error;
  return new UpdateError(
    { reason: isLasting(error) ? 'bad-answer' : 'source-unreachable', fault: 'transfer' },
    errorText(error),
    { cause: error, ...hintOf(error) },
  );
}

/** What to do, where the transport knows. */
export function hintOf(error: unknown): { readonly hint?: string } {
  return error instanceof HttpTrouble && error.hint !== undefined ? { hint: error.hint } : {};
}

/** A value from the network, for a message. One that is nested too deep for JSON.stringify is named by its kind. */
export function shown(value: unknown): string {
  try {
    return String(JSON.stringify(value)).slice(0, 80);
  } catch {
    return Array.isArray(value) ? 'a deep list' : 'a deep object';
  }
}

/** The beginning of a text from the network, for a message. */
export function brief(text: string): string {
  return JSON.stringify(text.slice(0, 1_000).trim().slice(0, 60));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
