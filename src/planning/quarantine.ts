import type { FailureReason, Fault } from '../domain/errors.ts';
import type { Backoff, BinaryRecord, Quarantine } from '../domain/record.ts';
import { sameRelease } from '../domain/release.ts';

/** How long the n-th failure of one release keeps it out. The last one repeats. */
const QUARANTINE_HOURS = [8, 12, 24, 48, 96, 168, 336] as const;
/** How long to wait when the host is to blame: each try restarts a service. */
const HOST_MINUTES = [5, 10, 20, 40, 60] as const;
/** How long to wait when the transfer failed: the first next tick may try again, a broken server is not hammered. */
const TRANSFER_MINUTES = [0, 1, 2, 5, 10, 30, 60] as const;
const MAX_QUARANTINED = 8;

export const LONGEST_QUARANTINE_MS = Math.max(...QUARANTINE_HOURS) * 3_600_000;
export const LONGEST_BACKOFF_MS = Math.max(...HOST_MINUTES, ...TRANSFER_MINUTES) * 60_000;

export interface FailedTry {
  /** As `releaseNames` writes it. */
  readonly release: string;
  readonly version: string;
  readonly reason: FailureReason;
  readonly detail: string;
  readonly fault: Fault;
  /** Releases of other binaries that went live in the same transaction, as `releaseNames` writes them. */
  readonly companions: Readonly<Record<string, string>>;
}

/** What to remember after a failed try. Only the release's own faults count against it (invariant 5). */
export function remember(record: BinaryRecord, failed: FailedTry, now: Date): BinaryRecord {
  switch (failed.fault) {
    case 'setup':
      return record;
    case 'release':
      return { ...withoutBackoff(record), quarantine: quarantined(record.quarantine, failed, now) };
    case 'host':
      return { ...record, backoff: backedOff(record.backoff, failed, { now, minutes: HOST_MINUTES }) };
    case 'transfer':
      return { ...record, backoff: backedOff(record.backoff, failed, { now, minutes: TRANSFER_MINUTES }) };
  }
}

/** After a success nothing is held against the release that succeeded, nor against the last try. */
export function forgive(record: BinaryRecord, release: string): BinaryRecord {
  const { leftDown: _, ...rest } = withoutBackoff(record);
  return { ...rest, quarantine: record.quarantine.filter((q) => !sameRelease(q.release, release)) };
}

/** What a rollback proved about the former version, under the same probe as the new one. */
export type Control =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'unhealthy'; readonly detail: string }
  /** Nothing to compare with: there was no former version. */
  | { readonly kind: 'none' };

/** Invariant 5: where the former version fails the same probe, the host is to blame and not the release. */
export function faultFromControl(control: Control): Fault {
  return control.kind === 'unhealthy' ? 'host' : 'release';
}

function quarantined(list: readonly Quarantine[], failed: FailedTry, now: Date): readonly Quarantine[] {
  const before = list.find((q) => sameRelease(q.release, failed.release));
  const count = (before?.count ?? 0) + 1;
  const { release, version, reason, detail, companions } = failed;
  const entry: Quarantine = {
    release,
    version,
    reason,
    detail,
    count,
    since: now.toISOString(),
    until: later(now, nth(QUARANTINE_HOURS, count) * 60),
    companions,
  };
  return [entry, ...list.filter((q) => q !== before)].slice(0, MAX_QUARANTINED);
}

function backedOff(
  before: Backoff | undefined,
  failed: FailedTry,
  { now, minutes }: { readonly now: Date; readonly minutes: readonly number[] },
): Backoff {
  const { release, reason, detail } = failed;
  const count = before !== undefined && sameRelease(before.release, release) ? before.count + 1 : 1;
  return { release, reason, detail, count, notBefore: later(now, nth(minutes, count)) };
}

function withoutBackoff(record: BinaryRecord): BinaryRecord {
  const { backoff: _, ...rest } = record;
  return rest;
}

function nth(table: readonly number[], count: number): number {
  return table[Math.min(count, table.length) - 1] ?? 0;
}

function later(now: Date, minutes: number): string {
  return new Date(now.getTime() + minutes * 60_000).toISOString();
}
