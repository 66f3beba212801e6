import type { VersionName } from '../domain/names.ts';
import {
  type Artifact,
  type Catalog,
  type Channel,
  channelOf,
  LATEST,
  publishedAt,
  type Release,
  releaseOf,
  STABLE,
} from './catalog.ts';
import { conflicting, refused } from './errors.ts';

/** What a channel remembers of its past. */
const MAX_FORMER = 100;

export interface Addition {
  readonly version: VersionName;
  readonly artifact: Artifact;
  readonly channel: VersionName;
  /** What to do where the version has other bytes for the platform already, or was withdrawn. */
  readonly conflict: 'refuse' | 'replace';
}

/** What somebody means to add, as far as it is known yet. */
export interface Intention extends Pick<Addition, 'channel' | 'conflict'> {
  readonly version?: VersionName;
  readonly platform?: Artifact['platform'];
  readonly sha256?: string;
}

export interface Added {
  readonly catalog: Catalog;
  readonly what: 'published' | 'already-published' | 'replaced';
}

/**
 * Whether there is a place for what is to be published. To be asked again whenever more is known of it: bytes that are
 * refused need not be sent, nor deltas to them be made. Throws {@link ManagerError} `conflict`.
 */
export function mustHavePlace(catalog: Catalog, intention: Intention): void {
  const { version, channel, conflict } = intention;
  if (version !== undefined) mustBeVersion(catalog, version);
  mustBeChannel(catalog, channel, version);
  const release = version === undefined ? undefined : releaseOf(catalog, version);
  if (conflict === 'refuse') mustFit(catalog, release, intention);
}

/** Adds an artifact to a version, and lets the channel point at it. Throws as {@link mustHavePlace}. */
export function publishIn(catalog: Catalog, { version, artifact, channel, conflict }: Addition): Added {
  const { platform: wanted, sha256 } = artifact;
  mustHavePlace(catalog, { version, channel, conflict, platform: wanted, sha256 });
  const release = releaseOf(catalog, version);
  const there = release?.artifacts.find(({ platform }) => platform === wanted);
  const same = there?.sha256 === artifact.sha256;
  const artifacts = (release?.artifacts ?? []).map((one) => (one === there && !same ? artifact : one));
  const changed: Release = { version, artifacts: there === undefined ? [...artifacts, artifact] : artifacts };
  const releases =
    release === undefined
      ? [...catalog.releases, changed]
      : catalog.releases.map((one) => (one === release ? changed : one));
  const isNew = there === undefined || release?.withdrawn !== undefined;
  const what = isNew ? 'published' : same ? 'already-published' : 'replaced';
  return { catalog: pointAt({ ...catalog, releases }, channel, version), what };
}

/** Lets a channel point at a version, or at what another channel points at. Throws {@link ManagerError} `refused`. */
export function promoteIn(catalog: Catalog, wanted: VersionName, channel: VersionName): Catalog {
  mustBeChannel(catalog, channel);
  const version = meant(catalog, wanted);
  const release = releaseOf(catalog, version);
  if (release === undefined) throw unknownVersion(catalog, version);
  if (release.withdrawn === undefined) return pointAt(catalog, channel, version);
  throw refused(
    `${catalog.name} ${version} was withdrawn at ${release.withdrawn}`,
    'Publish it again with --force if it is good after all.',
  );
}

/** Where a channel went because of a withdrawal; without `to` it is empty now. */
export interface Move {
  readonly channel: VersionName;
  readonly from: VersionName;
  readonly to?: VersionName;
}

export interface Withdrawn {
  readonly catalog: Catalog;
  readonly version: VersionName;
  readonly moves: readonly Move[];
}

/** Marks a version, and lets every channel that points at it go back. Throws {@link ManagerError} `refused`. */
export function withdrawIn(catalog: Catalog, wanted: VersionName, at: string): Withdrawn {
  const version = meant(catalog, wanted);
  const release = releaseOf(catalog, version);
  if (release === undefined) throw unknownVersion(catalog, version);
  const marked: Release = { ...release, withdrawn: release.withdrawn ?? at };
  const releases = catalog.releases.map((one) => (one === release ? marked : one));
  const channels = catalog.channels.map((one) => (one.current === version ? goneBack(one, releases) : one));
  const moves = catalog.channels.flatMap(({ channel, current: from }, index) => {
    const to = channels[index]?.current;
    if (from !== version) return [];
    return [{ channel, from, ...(to !== undefined && { to }) }];
  });
  return { catalog: { ...catalog, releases, channels }, version, moves };
}

export interface Pruned {
  readonly catalog: Catalog;
  readonly removed: readonly Release[];
}

/**
 * Forgets old versions. Kept are the newest `keep` that were not withdrawn, those that were withdrawn in between, and
 * what any channel points at or would go back to.
 */
export function pruneIn(catalog: Catalog, keep: number): Pruned {
  const kept = new Set(catalog.channels.flatMap((one) => [one.current, formerOf(catalog, one)]));
  const newestFirst = [...catalog.releases].reverse().sort((a, b) => compare(publishedAt(b), publishedAt(a)));
  let good = 0;
  for (const { version, withdrawn } of newestFirst) {
    if (good >= keep) break;
    kept.add(version);
    if (withdrawn === undefined) good += 1;
  }
  const removed = catalog.releases.filter(({ version }) => !kept.has(version));
  if (removed.length === 0) return { catalog, removed };
  const releases = catalog.releases.filter(({ version }) => kept.has(version));
  const channels = catalog.channels.map((one) => ({
    ...one,
    former: one.former.filter((version) => kept.has(version)),
  }));
  return { catalog: { ...catalog, releases, channels }, removed };
}

/** Where a channel would go back to. */
function formerOf(catalog: Catalog, { former }: Channel): VersionName | undefined {
  return former.find((version) => isGood(releaseOf(catalog, version)));
}

function pointAt(catalog: Catalog, name: VersionName, version: VersionName): Catalog {
  const there = channelOf(catalog, name);
  if (there === undefined) {
    return { ...catalog, channels: [...catalog.channels, { channel: name, current: version, former: [] }] };
  }
  if (there.current === version) return catalog;
  const past = [...(there.current === undefined ? [] : [there.current]), ...there.former];
  const former = past.filter((one) => one !== version).slice(0, MAX_FORMER);
  const moved: Channel = { channel: name, current: version, former };
  return { ...catalog, channels: catalog.channels.map((one) => (one === there ? moved : one)) };
}

function goneBack({ channel, former }: Channel, releases: readonly Release[]): Channel {
  const good = former.filter((version) => isGood(releases.find((release) => release.version === version)));
  const [current, ...rest] = good;
  return current === undefined ? { channel, former: [] } : { channel, current, former: rest };
}

function isGood(release: Release | undefined): boolean {
  return release !== undefined && release.withdrawn === undefined;
}

/** A channel's name stands for what it points at. */
function meant(catalog: Catalog, wanted: VersionName): VersionName {
  const channel = channelOf(catalog, wanted === LATEST ? STABLE : wanted);
  if (channel === undefined) return wanted;
  if (channel.current !== undefined) return channel.current;
  throw refused(`the channel ${channel.channel} of ${catalog.name} points at nothing`);
}

/** Versions and channels share their place in addresses, so no name may be both. */
function mustBeVersion(catalog: Catalog, version: VersionName): void {
  if (version !== LATEST && version !== STABLE && channelOf(catalog, version) === undefined) return;
  throw conflicting(
    `"${version}" is a channel, expected a version`,
    'Versions and channels share one set of addresses.',
  );
}

/** `version` is one that is to come. */
function mustBeChannel(catalog: Catalog, channel: VersionName, version?: VersionName): void {
  if (channel === LATEST) {
    throw conflicting('"latest" is another word for the channel stable', 'Publish to stable, or to another channel.');
  }
  if (channel !== version && releaseOf(catalog, channel) === undefined) return;
  throw conflicting(
    `"${channel}" is a version of ${catalog.name}, expected a channel`,
    'Versions and channels share one set of addresses.',
  );
}

function mustFit(catalog: Catalog, release: Release | undefined, { platform, sha256 }: Intention): void {
  const label = `${catalog.name} ${release?.version}`;
  const there = release?.artifacts.find((one) => one.platform === platform);
  if (there !== undefined && sha256 !== undefined && there.sha256 !== sha256) {
    const digests = `sha256:${there.sha256}, this file is sha256:${sha256}`;
    throw conflicting(
      `${label} is published for ${there.platform} already, with other bytes: ${digests}`,
      'Choose another version. --force replaces the bytes, but hosts that pinned them trust them not to change.',
    );
  }
  if (release?.withdrawn !== undefined) {
    throw conflicting(`${label} was withdrawn at ${release.withdrawn}`, '--force publishes it all the same.');
  }
}

function unknownVersion({ name, releases }: Catalog, version: VersionName): Error {
  const known = releases.slice(-5).map((release) => release.version);
  return refused(
    `${name} has no version ${version}`,
    known.length === 0 ? `${name} was never published.` : `The last ones published: ${known.join(', ')}.`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
