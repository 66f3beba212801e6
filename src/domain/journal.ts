import type { FailureReason, Fault } from './errors.ts';
import type { HealthCheck } from './health.ts';
import type { BinaryName, ServiceName } from './names.ts';
import type { ChangeReason } from './outcome.ts';
import type { LeftRelease } from './record.ts';

/** One file of a transaction, with everything that is needed to finish or undo it in a new process (invariant 4). */
export interface JournalFile {
  /** The real path that is replaced (symlinks already followed). */
  readonly target: string;
  readonly staged: string;
  /** `algorithm:hex` of the new bytes. */
  readonly next: string;
  /** The bytes that were live before, and the hard link that keeps them; absent: there was no file. */
  readonly former?: { readonly digest: string; readonly backup: string };
}

export interface JournalChange {
  readonly name: BinaryName;
  readonly version: string;
  /** The release, as `releaseId` writes it. */
  readonly release: string;
  /** The same as `releaseNames` writes it; a journal of an earlier version has none. */
  readonly names?: string;
  readonly reason: ChangeReason;
  /** What was installed before, `algorithm:hex`; absent: nothing. */
  readonly from?: string;
  readonly keep: number;
  /** Absent: it has a service, whether or not this host runs it. */
  readonly service?: 'none';
  /** What the version that runs afterwards is asked, the new one or the former. */
  readonly health?: HealthCheck;
  /** Why it is not asked: what the former version answered before anything was touched. */
  readonly unwellBefore?: string;
  /** What an operator goes back from with it. */
  readonly leaves?: readonly LeftRelease[];
  readonly files: readonly JournalFile[];
}

/** A process this transaction restarts, as it was before. Processes stopped on purpose are not listed (invariant 7). */
export interface JournalProcess {
  /** `program` or `group:program`. */
  readonly process: string;
  readonly before: 'running' | 'failing';
  readonly pid?: number;
  readonly startTime?: string;
  /** Whether it executed one of the service's managed files; `unknown` where it did not run. */
  readonly executed: 'target' | 'other' | 'unknown';
}

export interface JournalService {
  readonly service: ServiceName;
  /** Real paths of the files managed under this service: its processes must run one of them afterwards. */
  readonly targets: readonly string[];
  readonly processes: readonly JournalProcess[];
}

/**
 * The intent journal: written before the first live change, removed after the last. There is at most one, since one
 * tick acts at a time (invariant 11) and a tick works on one transaction at a time.
 */
export interface Journal {
  readonly schema: 'bin-proxy/journal/1';
  readonly run: string;
  readonly startedAt: string;
  /** How many later ticks have taken it up; a transaction that cannot be finished must not be tried for ever. */
  readonly attempts: number;
  readonly changes: readonly JournalChange[];
  readonly services: readonly JournalService[];
  /** The boot its pids are of; absent: written before this was noted, and taken for the present one. */
  readonly bootId?: string;
  /** Set before the first step back, so that a tick that dies in a rollback is not taken for one that went forward. */
  readonly failed?: { readonly reason: FailureReason; readonly fault: Fault; readonly detail: string };
}

/** Every process of the journal, once. */
export function journalProcesses(journal: Journal): readonly JournalProcess[] {
  const byName = new Map(journal.services.flatMap(({ processes }) => processes.map((one) => [one.process, one])));
  return [...byName.values()];
}

/** The journal with only those of its processes that are wanted. */
export function withProcesses(journal: Journal, isWanted: (process: JournalProcess) => boolean): Journal {
  const services = journal.services.map((service) => ({ ...service, processes: service.processes.filter(isWanted) }));
  return { ...journal, services };
}

/** The journal as it reads in this boot: pids and start times of another one name nothing, or somebody else. */
export function inBoot(journal: Journal, bootId: string): Journal {
  if (journal.bootId === undefined || journal.bootId === bootId) return journal;
  const services = journal.services.map((service) => ({
    ...service,
    processes: service.processes.map(({ process, before, executed }) => ({ process, before, executed })),
  }));
  return { ...journal, services };
}

/** What is remembered of a change's release is remembered under these. */
export function namesOfRelease({ names, release }: JournalChange): string {
  return names ?? release;
}

export function journalFiles(journal: Journal): readonly JournalFile[] {
  return journal.changes.flatMap(({ files }) => files);
}

/** The releases of the other binaries that went live together with one. */
export function companionsOf(journal: Journal, change: JournalChange): Readonly<Record<string, string>> {
  const others = journal.changes.filter((other) => other !== change);
  return Object.fromEntries(others.map((other) => [other.name, namesOfRelease(other)]));
}
