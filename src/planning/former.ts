import type { Digest } from '../domain/digest.ts';
import { digestText, shortDigest } from '../domain/digest.ts';
import type { JournalChange } from '../domain/journal.ts';
import { namesOfRelease } from '../domain/journal.ts';
import type { BinaryRecord, FormerVersion } from '../domain/record.ts';
import { sameRelease } from '../domain/release.ts';
import { minute } from './minute.ts';

const MAX_FORMER = 16;
/** Fewer digits are more likely a version. */
const DIGEST_PREFIX = /^(?:(?:md5|sha256)[:-])?([0-9a-f]{4,64})$/i;

/** A file that is kept of a binary. */
export interface KeptFile {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  /** `factory`: what was there before the first update. */
  readonly kind: 'backup' | 'factory';
  /** When it was last made or went live, in milliseconds since the epoch. */
  readonly changedMs: number;
}

/** A version that can be gone back to. */
export interface KeptVersion extends KeptFile {
  readonly version?: string;
  /** RFC 3339 UTC: until when it was the installed one. */
  readonly until?: string;
  /** Why nobody should go back to it without thought. */
  readonly failed?: string;
  /** By an operator, who went back from it. */
  readonly left: 'yes' | 'no';
}

export type Choice =
  | { readonly kind: 'chosen'; readonly kept: KeptVersion }
  | { readonly kind: 'none' | 'several'; readonly among: readonly KeptVersion[] };

/** The record after a proof: the former version by its name, and what an operator went back from. Repeatable. */
export function remembered(record: BinaryRecord, change: JournalChange, at: string): BinaryRecord {
  const names = namesOfRelease(change);
  const former = record.former?.filter((one) => !sameRelease(one.release, names)) ?? [];
  const { from } = change;
  const own = from === undefined ? undefined : (versionOf(record, from) ?? { release: from });
  const others = former.filter((one) => own === undefined || !sameRelease(one.release, own.release));
  const list = own === undefined || sameRelease(own.release, names) ? others : [{ ...own, until: at }, ...others];
  const { left: _, ...rest } = record;
  const left = leftAfter(record, change);
  return {
    ...rest,
    ...(left.length > 0 && { left }),
    ...(list.length > 0 && { former: list.slice(0, MAX_FORMER) }),
  };
}

/** Another release ends it, and so does one that is gone back to; a repair of what is installed is neither. */
function leftAfter(record: BinaryRecord, change: JournalChange) {
  const { reason, leaves = [] } = change;
  if (reason !== 'operator-rollback' && reason !== 'drifted') return [];
  const before = (record.left ?? []).filter(({ release }) => !sameRelease(release, namesOfRelease(change)));
  return [...leaves, ...before.filter((one) => !leaves.some(({ release }) => sameRelease(release, one.release)))];
}

/** The record without the word of an operator whose rollback came to nothing. */
export function stayed(record: BinaryRecord, leaves: JournalChange['leaves'] = []): BinaryRecord {
  if (leaves.length === 0 || record.left === undefined) return record;
  const left = record.left.filter((one) => !leaves.some(({ release }) => sameRelease(release, one.release)));
  return { ...record, left };
}

/** What the record calls a digest. */
function versionOf({ active, former = [] }: BinaryRecord, digest: string): Omit<FormerVersion, 'until'> | undefined {
  const known = [...(active === undefined ? [] : [active]), ...former].find(({ release }) =>
    sameRelease(release, digest),
  );
  return known && { release: known.release, ...(known.version !== undefined && { version: known.version }) };
}

/**
 * What is kept, with what is remembered of it, the one to go back to first: that which ran before the current one, then
 * what ran before that. Files of one content are one version.
 */
export function keptVersions(files: readonly KeptFile[], record: BinaryRecord, now: Date): readonly KeptVersion[] {
  const known = (file: KeptFile) => record.former?.find(({ release }) => sameRelease(release, digestText(file.digest)));
  // What was found is kept twice while it is a backup, too.
  const single = new Map(files.toSorted(factoryLast).map((file) => [digestText(file.digest), file]));
  const versions = [...single.values()].map((file): KeptVersion => {
    const id = digestText(file.digest);
    const version = versionOf(record, id)?.version;
    const until = known(file)?.until;
    const failed = record.quarantine.find((one) => sameRelease(one.release, id) && one.until > now.toISOString());
    return {
      ...file,
      left: record.left?.some(({ release }) => sameRelease(release, id)) === true ? 'yes' : 'no',
      ...(version !== undefined && { version }),
      ...(until !== undefined && { until }),
      ...(failed !== undefined && { failed: failed.detail }),
    };
  });
  // The order in which they were replaced, whatever the clock said; then those of which nobody remembers anything.
  const order = (record.former ?? []).map(({ release }) => release);
  const rank = ({ digest, changedMs }: KeptVersion) => {
    const index = order.findIndex((release) => sameRelease(release, digestText(digest)));
    return index === -1 ? [order.length, -changedMs] : [index, 0];
  };
  return versions.toSorted((a, b) => byRank(rank(a), rank(b)));
}

function factoryLast(a: KeptFile, b: KeptFile): number {
  return Number(a.kind === 'factory') - Number(b.kind === 'factory');
}

function byRank([a = 0, olderA = 0]: readonly number[], [b = 0, olderB = 0]: readonly number[]): number {
  return a === b ? olderA - olderB : a - b;
}

/**
 * Which version is meant: `factory`, a version's name, the beginning of a digest; undefined means the one that ran before
 * the current one. That is never one which failed here or which an operator went back from: who goes back twice wants to
 * go further back.
 */
export function choose(versions: readonly KeptVersion[], wanted: string | undefined): Choice {
  if (wanted === undefined) {
    const kept = versions.find(({ left, failed }) => left === 'no' && failed === undefined);
    return kept === undefined ? { kind: 'none', among: versions } : { kind: 'chosen', kept };
  }
  const meant = distinct(versions.filter((one) => isMeant(one, wanted)));
  const [first, ...others] = meant;
  if (first === undefined) return { kind: 'none', among: versions };
  return others.length === 0 ? { kind: 'chosen', kept: first } : { kind: 'several', among: meant };
}

function isMeant({ kind, version, digest }: KeptVersion, wanted: string): boolean {
  if (wanted === 'factory') return kind === 'factory';
  const prefix = DIGEST_PREFIX.exec(wanted)?.[1]?.toLowerCase();
  return version === wanted || (prefix !== undefined && digest.hex.startsWith(prefix));
}

function distinct(versions: readonly KeptVersion[]): readonly KeptVersion[] {
  return [...new Map(versions.map((one) => [digestText(one.digest), one])).values()];
}

/** One line a version, for a person who has to choose. */
export function keptText({ digest, version, kind, until, failed, left }: KeptVersion): string {
  const words = [
    ...(kind === 'factory' ? ['factory: what was there before the first update'] : []),
    ...(until === undefined ? [] : [`installed until ${minute(until)}`]),
    ...(left === 'yes' ? ['left by an operator'] : []),
    ...(failed === undefined ? [] : [`failed here: ${failed}`]),
  ];
  return `  ${digest.algorithm}:${shortDigest(digest)}  ${version ?? '-'}  ${words.join('; ')}`.trimEnd();
}
