/** Conditional and partial requests (RFC 9110 sections 13 and 14), in the way of nginx where the RFC leaves a choice. */

/** What a file is known by: nginx makes the same of the same file, so a host may be moved from one to the other. */
export interface Validators {
  readonly etag: string;
  /** HTTP-date. */
  readonly modified: string;
}

export interface ConditionHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
  readonly 'if-range'?: string | undefined;
  readonly range?: string | undefined;
}

export type Verdict = 'send' | 'not-modified' | 'precondition-failed';

/** Bytes from `start` to `end`, both included. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

const ENTITY_TAG = /(?:W\/)?("[^"]*")/g;
const SINGLE_RANGE = /^bytes= *(?:(\d+) *- *(\d*)|- *(\d+)) *$/i;

/** `"5f3759df-1a2b"`: second of the last change, and size. */
export function validators(modifiedMs: number, size: number): Validators {
  const seconds = Math.floor(modifiedMs / 1000);
  return { etag: `"${seconds.toString(16)}-${size.toString(16)}"`, modified: new Date(seconds * 1000).toUTCString() };
}

/** RFC 9110 section 13.2.2. Dates are compared for equality: a release that is taken back is older than what it follows. */
export function judge(headers: ConditionHeaders, known: Validators): Verdict {
  const match = headers['if-match'];
  const unmodified = headers['if-unmodified-since'];
  if (match !== undefined) {
    if (!hasTag(match, known, 'strong')) return 'precondition-failed';
  } else if (unmodified !== undefined && Date.parse(unmodified) < Date.parse(known.modified)) {
    return 'precondition-failed';
  }
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) return hasTag(noneMatch, known, 'weak') ? 'not-modified' : 'send';
  const since = headers['if-modified-since'];
  return since !== undefined && sameDate(since, known.modified) ? 'not-modified' : 'send';
}

/**
 * The part that a request wants; undefined for the whole. Several parts at once are answered with the whole, which RFC
 * 9110 section 14.2 allows: no client of this server asks for them.
 */
export function wantedPart(headers: ConditionHeaders, known: Validators, size: number): Part | 'none' | undefined {
  const { range, 'if-range': ifRange } = headers;
  if (range === undefined || !/^bytes=/i.test(range) || range.includes(',')) return undefined;
  if (ifRange !== undefined && !isStill(ifRange, known)) return undefined;
  const [, first, last, suffix] = SINGLE_RANGE.exec(range) ?? [];
  if (suffix !== undefined) return partOf(Math.max(0, size - Number(suffix)), size - 1);
  if (first === undefined) return 'none';
  const end = last === '' || last === undefined ? size - 1 : Math.min(Number(last), size - 1);
  return partOf(Number(first), end);
}

function partOf(start: number, end: number): Part | 'none' {
  return start <= end ? { start, end } : 'none';
}

function isStill(ifRange: string, known: Validators): boolean {
  return ifRange.endsWith('"') ? ifRange === known.etag : sameDate(ifRange, known.modified);
}

function hasTag(list: string, { etag }: Validators, comparison: 'weak' | 'strong'): boolean {
  // The one that nearly all hosts send.
  if (list === etag || list === '*') return true;
  return [...list.matchAll(ENTITY_TAG)].some(([whole, tag]) => (comparison === 'weak' ? tag : whole) === etag);
}

function sameDate(a: string, b: string): boolean {
  return a === b || Date.parse(a) === Date.parse(b);
}
