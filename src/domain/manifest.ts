import type { HealthCheck } from './health.ts';
import type { BinaryName, ServiceName, VersionName } from './names.ts';

/** A part of a week by the host's clock. It ends on the next day where `to` is not after `from`. */
export interface WindowSpan {
  /** Days on which it begins, as `Date.getDay` counts them: 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight. */
  readonly from: number;
  /** Minutes since midnight; 1440: midnight at the end of the day. */
  readonly to: number;
}

/** When a binary may be changed. */
export interface MaintenanceWindow {
  /** As it is written. */
  readonly text: string;
  readonly spans: readonly WindowSpan[];
}

/** One managed entry of the manifest, every default filled in. */
export interface ManifestEntry {
  readonly name: BinaryName;
  readonly version: VersionName;
  /** Absolute path of the installed file. */
  readonly path: string;
  /** Services restarted when the binary changes; empty: none. */
  readonly services: readonly ServiceName[];
  /** Permission bits, such as 0o755; absent: those of the file being replaced, else 0o755. */
  readonly mode?: number;
  /** `user` or `user:group`, by name or number; absent: the owner of the file being replaced. */
  readonly owner?: string;
  /** Why an operator wants this binary left alone; absent: it is not held. */
  readonly hold?: string;
  /** Binaries that are updated before this one; they are entries of the same manifest, without a circle. */
  readonly dependsOn?: readonly BinaryName[];
  /** Absent: it may be changed at any time. */
  readonly window?: MaintenanceWindow;
  /** What is asked of the program itself once it runs; absent: nothing. */
  readonly health?: HealthCheck;
  /** A program and its arguments, run on the staged file (`{file}`) before it goes live. */
  readonly check?: readonly [string, ...string[]];
  /** Backups to keep. */
  readonly keep: number;
}

/** `bin-manifests.json`: what this host should run. */
export interface Manifest {
  readonly file: string;
  readonly entries: readonly ManifestEntry[];
  /** One line each, with its place; unknown keys are warned about and kept. */
  readonly warnings: readonly string[];
}
