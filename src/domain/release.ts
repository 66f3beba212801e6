import { type Digest, digestText } from './digest.ts';

/** One file of a release. */
export interface Artifact {
  readonly url: string;
  readonly digest: Digest;
  /** What the same bytes are called in other algorithms, as the source says. */
  readonly also?: readonly Digest[];
  /** Absolute path on this host. */
  readonly target: string;
  /** Bytes, where the source knows them before the download. */
  readonly size?: number;
}

/**
 * What a source offers for one binary. The whole list goes live or none of it does.
 * A release without an artifact, or an artifact without a digest, cannot be written down.
 */
export interface Release {
  readonly version: string;
  readonly artifacts: readonly [Artifact, ...Artifact[]];
}

/** One artifact's digest stands for a release of one file; several are listed, so that any difference shows. */
export function releaseId(release: Release): string {
  return release.artifacts.map(({ digest }) => digestText(digest)).join('+');
}

/**
 * Every id a release is known by, its own first, with blanks between them. What is held against a release is kept under
 * all of them, so that it holds on the day on which a server begins to offer another digest of the same bytes.
 */
export function releaseNames(release: Release): string {
  const others = (release.artifacts[0].also ?? []).flatMap(({ algorithm }) => {
    const digests = release.artifacts.map(({ also = [] }) => also.find((one) => one.algorithm === algorithm));
    return digests.every((one) => one !== undefined) ? [digests.map(digestText).join('+')] : [];
  });
  return [releaseId(release), ...others].join(' ');
}

/** Whether two texts name one release: the first kind of id that both hold decides, and ids of no common kind differ. */
export function sameRelease(a: string, b: string): boolean {
  const ofB = new Map(b.split(' ').map((id) => [kindOf(id), id]));
  const id = a.split(' ').find((one) => ofB.has(kindOf(one)));
  return id !== undefined && ofB.get(kindOf(id)) === id;
}

/** The algorithms of an id, one for each of its files. */
function kindOf(id: string): string {
  return id.replaceAll(/:[^+]*/g, '');
}
