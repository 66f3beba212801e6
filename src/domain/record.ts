import type { FailureReason } from './errors.ts';
import type { BinaryName } from './names.ts';
import type { OutcomeKind } from './outcome.ts';

/** A release that failed here. While it lasts the release is not tried again (invariant 5). */
export interface Quarantine {
  /** The release, as `releaseNames` writes it. */
  readonly release: string;
  readonly version: string;
  readonly reason: FailureReason;
  readonly detail: string;
  /** How often it has failed here; the period grows with it. */
  readonly count: number;
  readonly since: string;
  readonly until: string;
  /**
   * Releases of other binaries activated together with this one. Nobody can tell which of them was bad, so the
   * quarantine holds only while each of them is still what is offered. As `releaseNames` writes them.
   */
  readonly companions: Readonly<Record<string, string>>;
}

/** A try that failed through no fault of the release: wait a little, blame nobody. */
export interface Backoff {
  /** As `releaseNames` writes it. */
  readonly release: string;
  readonly reason: FailureReason;
  readonly detail: string;
  readonly count: number;
  readonly notBefore: string;
}

/** An operator's word that a binary is to be left alone. In the record, and so out of the way of whoever edits the manifest. */
export interface Hold {
  /** Who said so, as the host calls them. */
  readonly by: string;
  readonly since: string;
  /** RFC 3339 UTC; absent: until somebody lifts it. */
  readonly until?: string;
  readonly reason?: string;
}

/** A release that an operator has gone back from. */
export interface LeftRelease {
  /** As `releaseNames` writes it. */
  readonly release: string;
  readonly by: string;
  readonly at: string;
}

/** A version that was replaced, and may still be kept. */
export interface FormerVersion {
  /** As `releaseNames` writes it; of a file that this program has not installed, its digest. */
  readonly release: string;
  /** Absent: nobody knows. */
  readonly version?: string;
  /** RFC 3339 UTC: when it was replaced. */
  readonly until: string;
}

/** What survives a tick about one binary: `<state dir>/<name>.json`. Losing it costs time and memory, never truth. */
export interface BinaryRecord {
  readonly schema: 'bin-proxy/record/1';
  readonly name: BinaryName;
  /** The release last proven here, as `releaseNames` writes it. */
  readonly active?: { readonly release: string; readonly version: string; readonly since: string };
  /** Newest first, at most eight. */
  readonly quarantine: readonly Quarantine[];
  readonly backoff?: Backoff;
  /** One whose time is up is as none. */
  readonly hold?: Hold;
  /** Newest first. Not installed again until another release has been. */
  readonly left?: readonly LeftRelease[];
  /** Newest first, at most sixteen. */
  readonly former?: readonly FormerVersion[];
  /**
   * Processes this program stopped and could not start again, since there is no file to go back to. They look stopped
   * on purpose and are not: the next release may start them (invariant 7).
   */
  readonly leftDown?: readonly string[];
  readonly last?: {
    readonly outcome: OutcomeKind;
    readonly reason: string;
    readonly detail: string;
    /** Of a rollback that failed: why. */
    readonly rollbackDetail?: string;
    readonly at: string;
  };
}

export function emptyRecord(name: BinaryName): BinaryRecord {
  return { schema: 'bin-proxy/record/1', name, quarantine: [] };
}
