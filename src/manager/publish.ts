import { lstat } from 'node:fs/promises';
import { platformOf } from '../domain/executable.ts';
import type { BinaryName, VersionName } from '../domain/names.ts';
import type { Platform } from '../domain/platform.ts';
import { orUndefined, removeFile } from '../platform/files.ts';
import {
  type Artifact,
  artifactFor,
  type Catalog,
  channelOf,
  emptyCatalog,
  findRelease,
  type Release,
  stampAfter,
} from './catalog.ts';
import { type Added, mustHavePlace, publishIn } from './catalog-changes.ts';
import type { DeltaBudget } from './deltas.ts';
import { refused } from './errors.ts';
import { type DeltaOrder, dropDeltas, type MadeDeltas, makeDeltas, placeDeltas } from './make-deltas.ts';
import { type Conditions, prepareStore, type Session, withSession } from './session.ts';
import type { ReleaseStore } from './store.ts';
import { receiveUpload, type Upload } from './upload.ts';
import { Workbench } from './workbench.ts';

const NEVER = new AbortController().signal;

export interface Publication {
  readonly name: BinaryName;
  /** Default: the time and the first digits of the sha256. */
  readonly version?: VersionName;
  /** Default: what the ELF header says, or `any`. */
  readonly platform?: Platform;
  readonly channel: VersionName;
  readonly conflict: 'refuse' | 'replace';
  /** What the bytes must hash to, where the sender has said it. */
  readonly sha256?: string;
  readonly deltas?: DeltaBudget;
}

export interface PublishedDelta {
  readonly from: VersionName;
  /** Bytes. */
  readonly size: number;
}

export interface Published {
  readonly what: Added['what'];
  readonly name: BinaryName;
  readonly version: VersionName;
  readonly artifact: Artifact;
  readonly channel: VersionName;
  /** What the channel pointed at before, where that was another version. */
  readonly former?: VersionName;
  /** Those that were made now. */
  readonly deltas: readonly PublishedDelta[];
  /** For a person: what is allowed, and seldom meant. */
  readonly warnings: readonly string[];
}

/**
 * Takes a release in from a stream, makes deltas to it, and lets a channel point at it. No byte is asked for where it is
 * clear without that there is no place for it. Waits for other writers only once all bytes are there. Throws {@link ManagerError}; then nothing of what is offered has changed.
 */
export async function publish(
  store: ReleaseStore,
  publication: Publication & { readonly bytes: AsyncIterable<Uint8Array> },
  conditions: Conditions & Pick<DeltaOrder, 'onDeltas'>,
): Promise<Published> {
  await prepareStore(store);
  mustHavePlace(await catalogOf(store, publication.name), publication);
  const upload = await receiveUpload(store.places.staging, publication.bytes, conditions.signal);
  try {
    mustBeWhatWasSent(upload, publication.sha256);
    const wish = { ...publication, platform: platformFor(upload, publication.platform) };
    const catalog = await catalogOf(store, wish.name);
    mustHavePlace(catalog, { ...wish, sha256: upload.sha256 });
    const { signal = NEVER, onDeltas } = conditions;
    const made = await makeDeltas(store.places, catalog, { upload, wish, signal, ...(onDeltas && { onDeltas }) });
    try {
      return await withSession(store, conditions, (session) => take(session, wish, { upload, made }));
    } finally {
      await dropDeltas(made.deltas);
    }
  } finally {
    await removeFile(upload.file);
  }
}

async function catalogOf(store: ReleaseStore, name: BinaryName): Promise<Catalog> {
  return (await store.catalog(name)) ?? emptyCatalog(name);
}

interface Arrived {
  readonly upload: Upload;
  readonly made: MadeDeltas;
}

async function take(
  session: Session,
  publication: Publication & { readonly platform: Platform },
  { upload, made }: Arrived,
): Promise<Published> {
  const { name, platform, channel, conflict } = publication;
  const former = session.catalog(name);
  const { size, md5, sha256 } = upload;
  const published = stampAfter(session.catalogs.values(), session.now());
  const version = publication.version ?? versionFor(former, publication, { sha256, published });
  const artifact = { platform, size, md5, sha256, published };
  const { catalog, what } = publishIn(former, { version, artifact, channel, conflict });
  session.mayGoOn();
  await placeArtifact(session, upload, published);
  await placeDeltas(session.store.places, made.deltas, artifact);
  await session.commit(catalog);
  const before = channelOf(former, channel)?.current;
  return {
    what,
    name,
    version,
    artifact,
    channel,
    ...(before !== undefined && before !== version && { former: before }),
    deltas: made.deltas.map(({ from, size: bytes }) => ({ from: from.version, size: bytes })),
    warnings: [
      ...notAProgram(upload),
      ...lostPlatforms(former, catalog, channel),
      ...made.warnings,
      ...session.warnings,
    ],
  };
}

/**
 * The bytes, before anything names them. Also where they are there already: the file is replaced by one that was just
 * verified. Its time stays as it is if it is in use, and with it its ETag.
 */
async function placeArtifact(session: Session, upload: Upload, published: string): Promise<void> {
  const { store, catalogs, damaged } = session;
  const path = store.places.artifact(upload.sha256);
  const there = await orUndefined(lstat(path));
  const inUse =
    damaged.size > 0 ||
    [...catalogs.values()].some(({ releases }) =>
      releases.some(({ artifacts }) => artifacts.some(({ sha256 }) => sha256 === upload.sha256)),
    );
  const bench = new Workbench(store.places.staging);
  await bench.adopt(upload.file, path, there !== undefined && inUse ? there.mtime : new Date(published));
  await bench.flush();
}

function mustBeWhatWasSent({ sha256, size }: Upload, expected: string | undefined): void {
  if (expected === undefined || expected === sha256) return;
  throw refused(`expected sha256:${expected}, received ${size} bytes of sha256:${sha256}`, 'Send the file again.');
}

function platformFor({ executable }: Upload, wanted: Platform | undefined): Platform {
  const found = platformOf(executable);
  if (executable.kind !== 'elf') return wanted ?? (found as Platform);
  if (wanted === undefined && found === undefined) {
    const machine = `ELF machine ${executable.machine} (${executable.bits} bit, ${executable.endian} endian)`;
    throw refused(`built for ${machine}, which has no name here`, 'Name it with --platform.');
  }
  if (wanted !== undefined && found !== undefined && wanted !== found) {
    throw refused(`built for ${found}, expected ${wanted}`, 'Publish the other file, or correct --platform.');
  }
  return (wanted ?? found) as Platform;
}

/** Bytes that the channel offers already are no new version: a publisher that was killed just runs again. */
function versionFor(
  former: Catalog,
  { channel, platform }: Publication,
  { sha256, published }: Pick<Artifact, 'sha256' | 'published'>,
): VersionName {
  const offered = findRelease(former, channel);
  const isOffered = offered !== undefined && artifactFor(offered, platform)?.sha256 === sha256;
  if (isOffered && channelOf(former, channel) !== undefined) return offered.version;
  return `${published.replaceAll(/[-:]/g, '')}-${sha256.slice(0, 8)}` as VersionName;
}

function notAProgram({ executable }: Upload): readonly string[] {
  if (executable.kind !== 'neither') return [];
  return [`hosts will refuse it: expected an ELF program or "#!", found ${JSON.stringify(executable.begins)}`];
}

/** Hosts of a platform that the version does not have would find nothing for them. */
function lostPlatforms(former: Catalog, catalog: Catalog, channel: VersionName): readonly string[] {
  const platforms = (release: Release | undefined) => release?.artifacts.map(({ platform }) => platform) ?? [];
  const now = findRelease(catalog, channel);
  const lost = platforms(findRelease(former, channel)).filter((one) => now && artifactFor(now, one) === undefined);
  if (now === undefined || lost.length === 0) return [];
  return [
    `${channel} had ${lost.join(', ')} before, and ${now.version} has not: publish that too with --version ${now.version}` +
      ' (or publish all of them to another channel first, and promote it)',
  ];
}
