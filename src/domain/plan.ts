import type { FailureReason } from './errors.ts';
import type { Installation } from './installation.ts';
import type { ManifestEntry } from './manifest.ts';
import type { ChangeReason, LeaveReason } from './outcome.ts';
import type { LeftRelease } from './record.ts';
import type { Artifact, Release } from './release.ts';

/** One file that has to change, with what lies there now. */
export interface FileChange {
  readonly artifact: Artifact;
  readonly installed: Extract<Installation, { kind: 'absent' | 'present' }>;
  /** Path of a kept file with these bytes; absent: they are fetched. */
  readonly kept?: string;
}

interface DecisionPayload {
  'up-to-date': { readonly release: Release };
  change: {
    readonly release: Release;
    readonly reason: ChangeReason;
    readonly files: readonly FileChange[];
    /** What an operator goes back from with it. */
    readonly leaves?: readonly LeftRelease[];
  };
  leave: { readonly release?: Release; readonly reason: LeaveReason; readonly detail: string; readonly until?: string };
  fail: { readonly release?: Release; readonly reason: FailureReason; readonly detail: string; readonly hint?: string };
}

/** What should happen to one binary. Plain data: it can be printed, tested in a table, and executed (invariant 13). */
export type Decision = {
  [K in keyof DecisionPayload]: { readonly kind: K } & DecisionPayload[K];
}[keyof DecisionPayload];

export interface PlannedBinary {
  readonly entry: ManifestEntry;
  /** What lies at the release's targets, or at the entry's path where no release is known. */
  readonly installed: readonly Installation[];
  readonly decision: Decision;
}

/** Whether a release server has asked to be told what this host runs. */
export type ReportsWish = 'wanted' | 'unasked';

export interface Plan {
  /** The one `now` of this look, RFC 3339 UTC. */
  readonly at: string;
  readonly binaries: readonly PlannedBinary[];
  /** Trouble that stops nothing, such as a damaged record. */
  readonly warnings: readonly string[];
  readonly reports: ReportsWish;
  /** What stands for all that the source said, where something does. */
  readonly mark?: string;
}
