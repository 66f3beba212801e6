import type { Outcome } from '../domain/outcome.ts';
import type { ReportedBinary, Running } from '../domain/reported.ts';

/** An update that begins now. */
export interface Attempt {
  readonly name: string;
  /** The release, as `releaseId` writes it. */
  readonly release: string;
}

/**
 * Tells a release server what becomes of its releases here. A side job (invariant 8): the live steps go on while it is
 * told, and nothing it meets may reach them.
 *
 * `begins` and `ended` must return at once and must not throw. A report must have a deadline of its own. After the first
 * one that failed no other must be tried in this run. No report may hold a secret (invariant 14).
 */
export interface Reporter {
  /** A download begins. Must be told once for a binary, however many files it has. */
  begins(attempt: Attempt): void;

  /**
   * What became of an update, once. One that failed must be told only where its begin was: otherwise what an operator has
   * to put right would be told every minute.
   * @param running what runs now and is proven to; absent: nobody can say
   */
  ended(outcome: Outcome, running: Running | undefined): void;

  /**
   * Waits for what is still under way, then tells of the whole host where `status` says so. Must end in bounded time, and
   * soon once `stop` is aborted. Must not throw.
   * @returns the first trouble, as one sentence
   */
  settle(status: Status, stop: AbortSignal): Promise<string | undefined>;
}

/** What to tell of the whole host at the end of a run. */
export interface Status {
  readonly when: 'always' | 'after-a-report' | 'never';
  /** Called only when it is told. */
  readonly binaries: () => Promise<readonly ReportedBinary[]>;
}
