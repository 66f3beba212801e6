import type { BinaryName, VersionName } from '../domain/names.ts';
import { ANY_PLATFORM, type Platform, USUAL_PLATFORM } from '../domain/platform.ts';

/** One published file. The bytes lie in the store under their sha256. */
export interface Artifact {
  readonly platform: Platform;
  /** Bytes. */
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
  /** `2026-11-21T05:29:14Z`; no two artifacts of a store have the same second (see `stampAfter`). */
  readonly published: string;
}

/** One version: an artifact a platform, in the order in which they were published; never none. */
export interface Release {
  readonly version: VersionName;
  readonly artifacts: readonly Artifact[];
  /** When it was withdrawn: no channel points at it and no version address answers, until it is published anew. */
  readonly withdrawn?: string;
}

/** A name that points at a version. */
export interface Channel {
  readonly channel: VersionName;
  /** Absent: emptied by a withdrawal. */
  readonly current?: VersionName;
  /** What it pointed at before, newest first. */
  readonly former: readonly VersionName[];
}

/** All that is known of one binary: the truth. Everything below `api/` is derived from it. */
export interface Catalog {
  readonly name: BinaryName;
  readonly releases: readonly Release[];
  readonly channels: readonly Channel[];
}

/** The channel that hosts follow who ask for `latest`. */
export const STABLE = 'stable' as VersionName;
/** Another word for {@link STABLE} in addresses; neither a version nor a channel may be called so. */
export const LATEST = 'latest' as VersionName;

export function emptyCatalog(name: BinaryName): Catalog {
  return { name, releases: [], channels: [] };
}

export function releaseOf(catalog: Catalog, version: VersionName | undefined): Release | undefined {
  return catalog.releases.find((release) => release.version === version);
}

export function channelOf(catalog: Catalog, channel: VersionName): Channel | undefined {
  return catalog.channels.find((one) => one.channel === channel);
}

/** What an address means: a version, a channel, or `latest`. Undefined where there is none, or it was withdrawn. */
export function findRelease(catalog: Catalog, wanted: VersionName): Release | undefined {
  const channel = channelOf(catalog, wanted === LATEST ? STABLE : wanted);
  const release = releaseOf(catalog, channel === undefined ? wanted : channel.current);
  return release?.withdrawn === undefined ? release : undefined;
}

/** The artifact for a platform: its own, else the one for any. Without a platform the usual one, else the first. */
export function artifactFor(release: Release, platform?: Platform): Artifact | undefined {
  const of = (wanted: Platform) => release.artifacts.find((artifact) => artifact.platform === wanted);
  if (platform !== undefined) return of(platform) ?? of(ANY_PLATFORM);
  return of(USUAL_PLATFORM) ?? release.artifacts[0];
}

/** When a release last changed: the second by which web servers tell its answers from those of another. */
export function publishedAt({ artifacts }: Release): string {
  return artifacts.reduce((latest, { published }) => (published > latest ? published : latest), '');
}

/** `2026-11-21T05:29:14Z`: seconds, as file times and HTTP have them. */
export function stampText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/**
 * A second of its own for a new artifact. Static web servers make an ETag of a file's size and the second of its last
 * change, and all digest answers are of one size: with the same second, a host that asks "has it changed?" would be
 * told no.
 */
export function stampAfter(catalogs: Iterable<Catalog>, now: Date): string {
  const used = [...catalogs].flatMap(({ releases }) => releases.map(publishedAt));
  const latest = Math.max(0, ...used.map((stamp) => Date.parse(stamp)));
  return stampText(new Date(Math.max(now.getTime(), latest + 1000)));
}
