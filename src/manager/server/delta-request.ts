import { deltaName } from '../deltas.ts';
import type { StaticAddress } from './addresses.ts';

/** What an answer that may be a delta depends on. */
export const DELTA_VARY = 'Accept-Encoding, Available-Dictionary';

interface DeltaHeaders {
  readonly 'accept-encoding'?: string | undefined;
  readonly 'available-dictionary'?: string | string[] | undefined;
}

/**
 * Where the delta lies that a request for an artifact would take (RFC 9842 section 2.2 and 5): it accepts `dcz`, and says
 * which file it has. Undefined where it would not. Whether there is such a delta shows at its place.
 */
export function wantedDelta({ kind, path }: StaticAddress, headers: DeltaHeaders): string | undefined {
  if (kind !== 'artifact' || !/(^|,)\s*dcz\s*(,|$)/i.test(headers['accept-encoding'] ?? '')) return undefined;
  const digest = /^:([A-Za-z0-9+/]{43}=):$/.exec(String(headers['available-dictionary'] ?? ''))?.[1];
  if (digest === undefined) return undefined;
  const sha256 = Buffer.from(digest, 'base64').toString('hex');
  return `${path.replace('artifacts/', 'deltas/')}/${deltaName(sha256)}`;
}
