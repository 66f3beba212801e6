import type { Digest } from './digest.ts';

/** One file of a release. */
export interface Artifact {
  readonly url: string;
  readonly digest: Digest;
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
  return release.artifacts.map(({ digest }) => `${digest.algorithm}:${digest.hex}`).join('+');
}
