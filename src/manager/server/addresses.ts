/** What kind of answer lies at an address: it decides about type, caching and compression, as in config/nginx.conf. */
export type StaticKind = 'index' | 'artifact' | 'digest' | 'release' | 'download';

export interface StaticAddress {
  readonly kind: StaticKind;
  /** Below the directory of the API. Its segments are names, so it cannot leave that directory (invariant 10). */
  readonly path: string;
}

export const API = '/api/v1/';

/** One segment: what a name, a version or a platform can be. It never begins with a dot, and never is empty. */
const WORD = '[A-Za-z0-9_][A-Za-z0-9._+~-]{0,127}';
const ANSWERS = `(?:${WORD}/)?(?:(?<digest>md5|sha256)|(?<bytes>download)|(?<about>release\\.json))`;
const STATIC = new RegExp(
  `^(?:(?<index>index\\.json)|(?<artifact>artifacts/[0-9a-f]{64})|(?<release>bins/${WORD})|(?<download>download/${WORD})` +
    `|(?:releases/${WORD}/${WORD}|revisions/${WORD}/[0-9a-f]{20})/${ANSWERS})$`,
);
/** Older clients ask for these also without the base of the API. */
const AT_THE_ROOT = /^\/(?=(?:bins|download|releases)\/)/;

/**
 * What a request asks for, by the path of its URL, still percent-encoded; undefined for what cannot be there. The words
 * are those of the store's `api/v1/`; nothing is resolved, so `..` leads nowhere.
 */
export function staticAddress(urlPath: string): StaticAddress | undefined {
  const decoded = decodedPath(urlPath);
  if (decoded === undefined) return undefined;
  const path = decoded.startsWith(API) ? decoded.slice(API.length) : decoded.replace(AT_THE_ROOT, '');
  const found = STATIC.exec(path)?.groups;
  return found && { kind: kindOf(found), path };
}

function kindOf(found: Readonly<Record<string, string | undefined>>): StaticKind {
  if (found['index'] !== undefined) return 'index';
  if (found['artifact'] !== undefined) return 'artifact';
  if (found['digest'] !== undefined) return 'digest';
  return found['download'] === undefined && found['bytes'] === undefined ? 'release' : 'download';
}

function decodedPath(urlPath: string): string | undefined {
  if (!urlPath.includes('%')) return urlPath;
  try {
    return decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
}

/** What a request asks for, without its query; a proxy may name scheme and host as well (RFC 9112 section 3.2.2). */
export function pathOf(target: string): string {
  const url = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]+/i, '');
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
