import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryName } from '../domain/names.ts';
import type { ReportsWish } from '../domain/plan.ts';
import type { Artifact } from '../domain/release.ts';
import type { Answer } from '../planning/decide.ts';
import type { DownloadLimits, Sink } from '../platform/sink.ts';

/** What a source said. */
export interface Asked {
  readonly answers: ReadonlyMap<BinaryName, Answer>;
  /** Trouble that stops nothing, one sentence each. What lasts is told when it begins, not in every tick. */
  readonly warnings: readonly string[];
  readonly reports: ReportsWish;
  /** What stands for all of this in {@link ReleaseSource.still}; absent where nothing does. */
  readonly mark?: string;
}

/** What a source wants to know again in the next tick, as JSON. It may be gone by then, or be of another version. */
export interface SourceMemory {
  recall(): unknown;
  /** Nothing is written where the value is the one already kept (invariant 12). */
  keep(value: unknown): void;
}

/** Where releases come from. */
export interface ReleaseSource {
  /** As it is shown to an operator; must hold no secret. */
  readonly label: string;

  /**
   * Asks what the host should run, for all entries at once.
   *
   * Must answer for every entry, and must not throw for one: a trouble is that entry's answer. Must bound its time and
   * its number of parallel requests. Must not offer a release without a digest, nor one of zero bytes. Must give the same
   * answers without its memory, and may give them at a higher price.
   */
  ask(entries: readonly ManifestEntry[]): Promise<Asked>;

  /**
   * Whether all that `ask` said when it gave `mark` still holds, also in another process; undefined where it does not, or
   * where that cannot be told.
   *
   * Must cost one small request at most, and must say so only where `ask` would say the same again. Must not throw. An
   * `ask` that follows may take what was learned.
   */
  still(mark: string): Promise<{ readonly reports: ReportsWish } | undefined>;

  /**
   * Streams one artifact into the sink. Must not believe that what it delivers is what was offered: the caller compares
   * digests. Must refuse another number of bytes than was offered. May make the file of `limits.former` and what differs;
   * must fetch it whole where that comes to anything else. Throws `UpdateError` with fault `transfer`; errors of the sink
   * pass through.
   */
  fetch(artifact: Artifact, sink: Sink, limits: DownloadLimits): Promise<void>;
}
