import type { HealthAnswer, HealthCheck } from '../domain/health.ts';
import type { Installer } from '../installers/installer.ts';
import type { Window } from '../planning/health.ts';
import type { Bounds } from '../planning/rollout.ts';
import type { Clock } from '../platform/clock.ts';
import type { Rate } from '../platform/http-body.ts';
import type { Log } from '../platform/log.ts';
import type { Probe } from '../probes/probe.ts';
import type { Reporter } from '../reports/reporter.ts';
import type { ServiceManager } from '../services/service-manager.ts';
import type { ReleaseSource } from '../sources/source.ts';
import type { EvidenceStore } from '../store/evidence-store.ts';
import type { History } from '../store/history.ts';
import type { JournalStore } from '../store/journal-file.ts';
import type { ProbationStore } from '../store/probation-file.ts';
import type { RecordStore } from '../store/records.ts';

/** What is going on, for a person who watches. Losing it loses nothing (invariant 8). */
export interface Progress {
  downloading(name: string, received: number, total: number | undefined): void;
  proving(names: readonly string[], secondsLeft: number): void;
  idle(): void;
}

/** May a live step be taken now? Throws `RunError` where the lock is lost or the run was asked to stop (invariant 11). */
export interface Gate {
  /** Before the first live change of a transaction. */
  mayBegin(): void;
  /** Before every later one: only a lost lock, or a run that was asked to stop long ago, ends a transaction under way. */
  mayGoOn(): void;
  /** Aborts downloads. */
  readonly signal: AbortSignal;
}

export interface Limits {
  readonly window: Window;
  /** How long a proven release is watched by later ticks; 0: not at all. */
  readonly probationMs: number;
  readonly downloadMs: number;
  readonly downloadIdleMs: number;
  /** What a download must reach; absent: no minimum. */
  readonly downloadLeast?: Rate;
}

/** Everything the act half works with: roles, never adapters. */
export interface ActRoles {
  readonly source: ReleaseSource;
  readonly installer: Installer;
  readonly services: ServiceManager;
  readonly probe: Probe;
  /** Asks a program itself how it is. Never throws. */
  readonly health: (check: HealthCheck) => Promise<HealthAnswer>;
  readonly records: RecordStore;
  readonly journal: JournalStore;
  readonly probations: ProbationStore;
  readonly history: History;
  readonly evidence: EvidenceStore;
  /** Folders in which dead runs may have left temporary files of small files. */
  readonly folders: readonly string[];
  /** Tells the manifest what was proven. */
  readonly recordProven: (name: string, proven: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly progress: Progress;
  readonly reporter: Reporter;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly bounds: Bounds;
  readonly run: string;
}
