/**
 * What could forge a line, steer a terminal, or change the order in which a name is read: control and format characters
 * (bidi marks, zero-width ones, tags), line and paragraph separators, and halves of surrogate pairs.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * V8 keeps all of a text for as long as a part of it is there: a name in front of 200 KiB of blanks would weigh as much.
 * Halves of surrogate pairs, which UTF-8 has not, are gone by then.
 */
function ownCopy(text: string): string {
  return Buffer.from(text).toString();
}

/**
 * Text from a host, fit to be kept and shown in one line: what is unsafe becomes U+FFFD, and what is too long is cut.
 * @returns undefined for anything that is no text, or blank
 */
export function reportedText(value: unknown, max: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  // Cut first: nothing is spent on what is thrown away.
  const clean = value
    .slice(0, max * 4)
    .trim()
    .replace(UNSAFE, '\uFFFD');
  if (clean.length <= max) return clean === '' ? undefined : ownCopy(clean);
  return ownCopy(`${clean.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`);
}

/** RFC 3339, or seconds since the epoch; undefined for anything else, and for what lies in the future. In milliseconds. */
export function reportedTime(value: unknown, now: number): number | undefined {
  const parsed =
    typeof value === 'number' ? value * 1000 : typeof value === 'string' && value.length < 40 ? Date.parse(value) : NaN;
  return Number.isFinite(parsed) && parsed >= 0 && parsed <= now ? Math.floor(parsed) : undefined;
}
