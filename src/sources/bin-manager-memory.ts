import { type Digest, digestFromText, digestText } from '../domain/digest.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Build, Found, IndexPlace, RefusedReason } from './bin-manager-index.ts';
import { isObject } from './bin-manager-trouble.ts';

const REASONS: ReadonlySet<unknown> = new Set<RefusedReason>(['no-such-release', 'wrong-platform', 'bad-answer']);
/** How long a server that has no index is not asked for one. */
const NO_INDEX_MS = 3_600_000;
/** RFC 9110 section 8.8.3. A longer one would cost more than it saves. */
const ETAG = /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/;

/** What the last tick learned about the index of this server, for this kind of host. */
export type Remembered =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'no-index' }
  /** What the server's index said, when it sent it with this validator, of an entry by its {@link keyOf}. */
  | { readonly kind: 'index'; readonly etag: string; readonly find: (key: string) => Found | undefined };

/** What an index says of some entries, by their {@link keyOf}, and its validator, if it has one. */
export interface KnownIndex {
  readonly etag: string | undefined;
  readonly found: ReadonlyMap<string, Found>;
}

/**
 * What stands for all that an index says to this kind of host: which one it is, and its validator. Undefined where it has
 * none, and where it leaves something to be asked for one by one.
 */
export function markOf({ etag, found }: KnownIndex, { url, platform }: IndexPlace): string | undefined {
  if (etag === undefined || !ETAG.test(etag)) return undefined;
  if ([...found.values()].some(({ kind }) => kind === 'elsewhere')) return undefined;
  return [url.href, platform, etag].join(' ');
}

/** The validator of a {@link markOf}, if it is one of this index. */
export function etagOf(mark: string, { url, platform }: IndexPlace): string | undefined {
  const whose = `${url.href} ${platform} `;
  const etag = mark.startsWith(whose) ? mark.slice(whose.length) : '';
  return ETAG.test(etag) ? etag : undefined;
}

/** One entry as an index sees it. */
export function keyOf({ name, version }: ManifestEntry): string {
  return `${name} ${version}`;
}

/** Reads what {@link noIndexSince} or {@link indexAs} wrote; anything else is nothing. */
export function recall(value: unknown, place: IndexPlace, now: Date): Remembered {
  if (!isObject(value) || value['index'] !== place.url.href || value['platform'] !== place.platform) {
    return { kind: 'nothing' };
  }
  const { noneSince, etag, found } = value;
  if (typeof noneSince === 'string') {
    const age = now.getTime() - Date.parse(noneSince);
    return { kind: age >= 0 && age < NO_INDEX_MS ? 'no-index' : 'nothing' };
  }
  if (typeof etag !== 'string' || !ETAG.test(etag) || !isObject(found)) return { kind: 'nothing' };
  return { kind: 'index', etag, find: (key) => (Object.hasOwn(found, key) ? readFound(found[key]) : undefined) };
}

export function noIndexSince(now: Date, { url, platform }: IndexPlace): unknown {
  return { index: url.href, platform, noneSince: now.toISOString() };
}

/** Undefined where the server gave no validator that could be shown to it again: there is nothing to remember then. */
export function indexAs(
  etag: string | undefined,
  found: ReadonlyMap<string, Found>,
  { url, platform }: IndexPlace,
): unknown {
  if (etag === undefined || !ETAG.test(etag)) return undefined;
  const written = Object.fromEntries([...found].map(([key, one]) => [key, writeFound(one)]));
  return { index: url.href, platform, etag, found: written };
}

function writeFound(found: Found): unknown {
  if (found.kind !== 'offered') return found;
  return { ...found, build: { ...found.build, digests: found.build.digests.map(digestText) } };
}

function readFound(value: unknown): Found | undefined {
  if (!isObject(value)) return undefined;
  const { kind, reason, message, version, build } = value;
  switch (kind) {
    case 'elsewhere':
      return { kind };
    case 'refused':
      return REASONS.has(reason) && typeof message === 'string'
        ? { kind, reason: reason as RefusedReason, message }
        : undefined;
    case 'offered': {
      const sound = readBuild(build);
      return typeof version === 'string' && sound !== undefined ? { kind, version, build: sound } : undefined;
    }
    default:
      return undefined;
  }
}

function readBuild(value: unknown): Build | undefined {
  if (!isObject(value)) return undefined;
  const { url, digests: written, size } = value;
  // It was checked before it was written; a URL of its own for each binary takes longer than all the rest.
  if (typeof url !== 'string' || !/^https?:\/\/[^/]/.test(url) || !Array.isArray(written)) return undefined;
  const [first, ...others] = written.map((one): Digest | undefined => digestFromText(String(one)));
  if (first === undefined || !others.every((one) => one !== undefined)) return undefined;
  return { url, digests: [first, ...others], ...(typeof size === 'number' && { size }) };
}
