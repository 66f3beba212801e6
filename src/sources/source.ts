import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryName } from '../domain/names.ts';
import type { Artifact } from '../domain/release.ts';
import type { Answer } from '../planning/decide.ts';
import type { DownloadLimits, Sink } from '../platform/http.ts';

/** Where releases come from. */
export interface ReleaseSource {
  /** As it is shown to an operator; must hold no secret. */
  readonly label: string;

  /**
   * Asks what the host should run, for all entries at once.
   *
   * Must answer for every entry, and must not throw for one: a trouble is that entry's answer. Must bound its time and
   * its number of parallel requests. Must not offer a release without a digest, nor one of zero bytes.
   */
  ask(entries: readonly ManifestEntry[]): Promise<ReadonlyMap<BinaryName, Answer>>;

  /**
   * Streams one artifact into the sink. Must not believe that what it delivers is what was offered: the caller compares
   * digests. Throws `UpdateError` with fault `transfer`; errors of the sink pass through.
   */
  fetch(artifact: Artifact, sink: Sink, limits: DownloadLimits): Promise<void>;
}
