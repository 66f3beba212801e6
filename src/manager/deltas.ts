import type { BinaryName, VersionName } from '../domain/names.ts';
import type { Platform } from '../domain/platform.ts';
import { type Artifact, type Catalog, publishedAt } from './catalog.ts';
import type { OneAtATime } from './one-at-a-time.ts';

/**
 * Deltas between releases, as RFC 9842 has them: an answer to whoever says which file he has (`Available-Dictionary`), in
 * the coding `dcz`. A delta is a convenience: it can be lost at any time, and hosts get the whole file.
 */

/** RFC 9842 section 5: a client need not have room for a window of more than 128 MiB, and a delta needs all of its file. */
const LARGEST_BYTES = 2 ** 27;
/** A request costs as much. */
const SMALLEST_BYTES = 32 * 1024;
/** What comes before the zstd frame: a magic number and the sha256 of the former file (RFC 9842 section 5). */
const MAGIC = Buffer.from('5e2a4d1820000000', 'hex');
export const DELTA_HEADER_BYTES = MAGIC.length + 32;

/** A release that hosts may have, and come from. */
export interface DeltaBase {
  readonly version: VersionName;
  readonly sha256: string;
}

export interface DeltaWish {
  readonly name: BinaryName;
  readonly platform: Platform;
  readonly channel: VersionName;
  /** Absent: none. */
  readonly deltas?: DeltaBudget;
}

export interface DeltaBudget {
  /** From how many former releases. */
  readonly count: number;
  /** For all of them: hosts wait for the release meanwhile. */
  readonly totalMs: number;
  /** Shared by all who may make deltas here at the same time: each takes five times its file as memory. */
  readonly turns?: OneAtATime;
}

/** What is published, as far as it matters here. */
export type DeltaTarget = Pick<Artifact, 'sha256' | 'size'>;

/**
 * From which releases there is to be a delta: from what channels point at, its own first, because hosts have that; then
 * from the newest ones. Withdrawn ones too, for hosts have to leave them.
 */
export function deltaBases(catalog: Catalog, wish: DeltaWish, target: DeltaTarget): readonly DeltaBase[] {
  const own = catalog.channels.filter(({ channel }) => channel === wish.channel);
  const current = [...own, ...catalog.channels].flatMap((one) => one.current ?? []);
  const newest = [...catalog.releases].sort((a, b) => (publishedAt(a) < publishedAt(b) ? 1 : -1));
  const found = new Map<string, DeltaBase>();
  for (const version of [...current, ...newest.map((release) => release.version)]) {
    const release = catalog.releases.find((one) => one.version === version);
    const artifact = release?.artifacts.find(({ platform }) => platform === wish.platform);
    if (artifact === undefined || artifact.sha256 === target.sha256 || found.has(artifact.sha256)) continue;
    if (isDeltaSize(artifact.size)) found.set(artifact.sha256, { version, sha256: artifact.sha256 });
  }
  return isDeltaSize(target.size) ? [...found.values()].slice(0, wish.deltas?.count ?? 0) : [];
}

function isDeltaSize(bytes: number): boolean {
  return bytes >= SMALLEST_BYTES && bytes < LARGEST_BYTES;
}

/**
 * What a delta is called among those of one file: the sha256 of the former one in base64, as `Available-Dictionary` has
 * it, but for "/" and the "=" at its end. So a web server finds it by the header alone.
 */
export function deltaName(sha256: string): string {
  return Buffer.from(sha256, 'hex').toString('base64').replaceAll('/', '_').slice(0, -1);
}

/** The sha256 of the former file; undefined for what is no name of a delta. */
export function deltaBaseOf(name: string): string | undefined {
  if (!/^[A-Za-z0-9+_]{43}$/.test(name)) return undefined;
  const sha256 = Buffer.from(name.replaceAll('_', '/'), 'base64').toString('hex');
  return deltaName(sha256) === name ? sha256 : undefined;
}

export function deltaHeader(baseSha256: string): Buffer {
  return Buffer.concat([MAGIC, Buffer.from(baseSha256, 'hex')]);
}
