import type { DigestAlgorithm } from '../domain/digest.ts';
import type { Installation } from '../domain/installation.ts';
import type { JournalFile } from '../domain/journal.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { FileChange } from '../domain/plan.ts';
import type { KeptFile } from '../planning/former.ts';
import type { FoundFile } from '../planning/recover.ts';
import type { Sink } from '../platform/sink.ts';

/** The look half of an installer: what lies there now. Loaded by every tick, so it must be light and must not write. */
export interface InstallationReader {
  read(target: string, algorithm: DigestAlgorithm): Promise<Installation>;

  /**
   * What shows which file with which bytes lies there now. Must be another one whenever `read` might find another; must
   * be undefined where it would find none that is present, or one that has changed so lately that another change could go
   * unseen. Must not throw, and must cost no more than a stat.
   */
  fingerprint(target: string): string | undefined;

  /** The {@link fingerprint} of what `read` has found there, whatever has become of it since. */
  fingerprintRead(target: string): string | undefined;
}

/** What an installer keeps to go back to. */
export interface KeptFiles {
  /** Those of a target's real path, the newest first. Must not write, and must not hash. */
  of(target: string, name: string): Promise<readonly KeptFile[]>;
}

/** Streams an artifact's bytes into a sink that takes at most `maxBytes`. */
export type Deliver = (sink: Sink, maxBytes: number) => Promise<void>;

/** How verified bytes become live, and how the former ones come back. */
export interface Installer {
  /**
   * Brings the artifact's bytes beside the target: complete, with the release's digest, mode and owner set, fsynced,
   * runnable here and passed by the manifest's own check (invariant 2).
   *
   * Must leave everything live untouched. Must leave nothing behind when it throws. Throws `UpdateError`.
   */
  stage(change: FileChange, entry: ManifestEntry, deliver: Deliver): Promise<string>;

  /** What is kept of a binary's file: its backups, and what was there before the first update. */
  kept(entry: ManifestEntry): Promise<readonly KeptFile[]>;

  /**
   * Brings a kept file beside the target, as `stage` does with bytes that are fetched, and with the same promises. Must
   * prove its digest first, and must need no room. Throws `UpdateError`.
   */
  recall(kept: string, change: FileChange, entry: ManifestEntry): Promise<string>;

  /**
   * Keeps the former file for good, as what was there before the first update. Must do nothing where such a file is kept
   * already, or where there was none. Throws `UpdateError`.
   */
  adopt(file: JournalFile, entry: Pick<ManifestEntry, 'name'>): Promise<void>;

  /**
   * Keeps the former file, durably, and says where everything lies. Must leave the live file untouched. Must be
   * repeatable. Throws `UpdateError` where the former file is no longer the one that was planned for.
   */
  backUp(change: FileChange, entry: ManifestEntry, staged: string): Promise<JournalFile>;

  /** Makes the staged bytes live in one rename, durably (invariant 1). Must do nothing where they already are. */
  activate(file: JournalFile): Promise<void>;

  /**
   * Makes the former bytes live again in one rename, or removes the file where there was none. Must work from the
   * journal alone, in a new process (invariant 4), and must do nothing where they already are. Must prove the backup's
   * digest first. Throws where the former bytes cannot be brought back; the live file is then as it was.
   *
   * Should keep the bytes that it takes away, for {@link rejected}; trouble with that must not keep it from restoring.
   */
  restore(file: JournalFile): Promise<void>;

  /** Where `restore` has kept the bytes that it took away, not executable; undefined where it has not. */
  rejected(file: JournalFile): Promise<string | undefined>;

  /** What is really on disk for a file of the journal, by hashing it. */
  inspect(file: JournalFile): Promise<FoundFile>;

  /** Removes what staging left, backups beyond `keep`, and rejected files but the last. Must never touch a live file. Only between transactions. */
  tidy(targets: readonly string[], entry: { readonly name: string; readonly keep: number }): Promise<void>;
}
