import type { BinaryRecord } from '../domain/record.ts';
import { sameRelease } from '../domain/release.ts';
import { minute } from './minute.ts';

/** Something that kept a release from being tried. */
export interface Lifted {
  readonly kind: 'quarantined' | 'backing-off' | 'left-by-operator';
  readonly release: string;
  /** Until when it would have been kept out. */
  readonly until?: string;
  readonly detail: string;
}

/**
 * Lifts what is held against one release (as `releaseNames` writes it), or against every one where it is not known which
 * is offered. How often it has failed is not forgotten: should it fail again, it stays out for longer.
 */
export function liftPast(
  record: BinaryRecord,
  release: string | undefined,
  now: Date,
): { readonly record: BinaryRecord; readonly lifted: readonly Lifted[] } {
  const time = now.toISOString();
  const isMeant = (one: { readonly release: string }) => release === undefined || sameRelease(one.release, release);
  const quarantine = record.quarantine.filter((one) => isMeant(one) && one.until > time);
  const { backoff } = record;
  const waits = backoff !== undefined && isMeant(backoff) && backoff.notBefore > time;
  const lifted: Lifted[] = quarantine.map((one) => {
    return { kind: 'quarantined', release: one.release, until: one.until, detail: one.detail };
  });
  if (waits) {
    lifted.push({ kind: 'backing-off', release: backoff.release, until: backoff.notBefore, detail: backoff.detail });
  }
  const left = (record.left ?? []).filter(isMeant);
  lifted.push(
    ...left.map(({ release, by, at }): Lifted => {
      return { kind: 'left-by-operator', release, detail: `${by} went back from it at ${minute(at)}` };
    }),
  );
  if (lifted.length === 0) return { record, lifted };
  return {
    record: {
      ...record,
      quarantine: record.quarantine.map((one) => (quarantine.includes(one) ? { ...one, until: time } : one)),
      ...(record.left !== undefined && { left: record.left.filter((one) => !left.includes(one)) }),
      ...(waits && { backoff: { ...backoff, notBefore: time } }),
    },
    lifted,
  };
}
