import type { Digest } from './digest.ts';
import type { BinaryName, VersionName } from './names.ts';

/** How a binary does, in the one word that a release server is told. */
export type ReportedState =
  | 'ok'
  /** Updated, and still on probation. */
  | 'proving'
  | 'held'
  | 'quarantined'
  | 'rolled-back'
  | 'rollback-failed'
  | 'failed'
  /** Nothing is installed, and could not be. */
  | 'missing';

/** What is installed, as far as it is known: every digest of the same bytes, the strongest first. */
export interface Running {
  readonly digests: readonly [Digest, ...Digest[]];
  readonly version?: string;
}

/** What a release server is told of one binary. */
export interface ReportedBinary {
  readonly name: BinaryName;
  readonly state: ReportedState;
  readonly running?: Running;
  /** What its manifest names: `latest`, a channel, or the version that it is pinned to. */
  readonly follows?: VersionName;
  /** What the release server has offered for that, as far as it is known. */
  readonly wanted?: Running;
  /** RFC 3339 UTC: since when it is in this state. */
  readonly since?: string;
  /** One sentence, with the word for the reason first. Holds nothing that a program printed (invariant 14). */
  readonly reason?: string;
}

/** The host, as a release server is told. */
export interface HostIdentity {
  /** Stable, and nobody else's. */
  readonly id: string;
  /** As the host calls itself. */
  readonly name: string;
  /** As `uname -m` says it: `x86_64`, `aarch64`, … */
  readonly machine: string;
  /** As os-release(5) has it in PRETTY_NAME. */
  readonly system: string;
}
