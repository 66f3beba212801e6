import { digestFromText, digestText, shortDigest } from '../domain/digest.ts';
import type { Installation } from '../domain/installation.ts';
import type { Journal } from '../domain/journal.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Probation } from '../domain/probation.ts';
import type { BinaryRecord } from '../domain/record.ts';
import { sameRelease } from '../domain/release.ts';
import { isAhead } from './decide.ts';
import { heldText, holdInForce } from './hold.ts';
import { isOver } from './probation.ts';
import { LONGEST_BACKOFF_MS, LONGEST_QUARANTINE_MS } from './quarantine.ts';

/** How a binary stands, as this host alone can tell. The first one that fits, in this order. */
export type StandingKind =
  /** Its update is under way, or was cut off: the journal is there. */
  | 'unfinished'
  | 'rollback-failed'
  | 'missing'
  /** Something that is no file lies there, or it cannot be read. */
  | 'unreadable'
  | 'held'
  /** The file is not the one that was proven here. */
  | 'drifted'
  /** A release failed here since the last one was proven. */
  | 'quarantined'
  | 'backing-off'
  | 'rolled-back'
  | 'failed'
  | 'proving'
  /** Nothing was ever proven here: the file was there before this program, or its record is lost. */
  | 'as-found'
  | 'ok';

export interface Standing {
  readonly state: StandingKind;
  /** One sentence for a person; empty where there is nothing to say. */
  readonly detail: string;
  /** RFC 3339 UTC: when this state ends by itself. */
  readonly until?: string;
}

/** Everything a standing rests on. */
export interface Remembered {
  readonly entry: ManifestEntry;
  readonly installed: Installation;
  readonly record?: BinaryRecord;
  readonly journal?: Journal;
  readonly probations: readonly Probation[];
}

/** A pure function of what lies on this host and the time: no server is asked (invariant 13). */
export function standingOf(seen: Remembered, now: Date): Standing {
  return (
    unfinished(seen) ??
    broken(seen) ??
    held(seen, now) ??
    drifted(seen) ??
    failed(seen, now) ??
    proving(seen, now) ?? {
      state: seen.record?.active === undefined ? 'as-found' : 'ok',
      detail: '',
    }
  );
}

/** The manifest's word, or an operator's. */
function held({ entry, record }: Remembered, now: Date): Standing | undefined {
  const hold = holdInForce(record, now);
  const detail = hold === undefined ? entry.hold : heldText(hold, entry.hold);
  if (detail === undefined) return undefined;
  const until = hold?.until === undefined || entry.hold !== undefined ? {} : { until: hold.until };
  return { state: 'held', detail, ...until };
}

function unfinished({ entry, journal }: Remembered): Standing | undefined {
  if (journal?.changes.some(({ name }) => name === entry.name) !== true) return undefined;
  return { state: 'unfinished', detail: `run ${journal.run} has begun its update and not ended it` };
}

function broken({ entry, installed, record }: Remembered): Standing | undefined {
  if (record?.last?.outcome === 'rollback-failed') return { state: 'rollback-failed', detail: bothCauses(record.last) };
  switch (installed.kind) {
    case 'present':
      return undefined;
    case 'absent': {
      const last = record?.last === undefined || record.last.outcome === 'updated' ? '' : `: ${record.last.detail}`;
      return { state: 'missing', detail: `there is no file at ${entry.path}${last}` };
    }
    case 'foreign':
      return { state: 'unreadable', detail: `expected a regular file at ${entry.path}, found ${installed.what}` };
    case 'unreadable':
      return { state: 'unreadable', detail: `cannot read ${entry.path}: ${installed.why}` };
  }
}

/** Why a release had to go, and why what ran before could not be brought back (invariant 6). */
export function bothCauses(failed: { readonly detail: string; readonly rollbackDetail?: string }): string {
  const why = failed.rollbackDetail === undefined ? '' : `: ${failed.rollbackDetail}`;
  return `${failed.detail}; and the rollback failed${why}`;
}

/** The digest is taken in the algorithm of the release's own name; a release of several files is told by its first. */
function drifted({ installed, record }: Remembered): Standing | undefined {
  const proven = record?.active;
  if (proven === undefined || installed.kind !== 'present') return undefined;
  const now = digestText(installed.digest);
  if (sameRelease(firstFiles(proven.release), now)) return undefined;
  return {
    state: 'drifted',
    detail: `the file was changed on this host: expected ${shortNames(proven.release)}, found ${shortNames(now)}`,
  };
}

/** The whole digests are in the record. */
function shortNames(release: string): string {
  const digests = firstFiles(release).split(' ').map(digestFromText);
  return digests.map((digest) => (digest === undefined ? 'unknown' : shortDigest(digest))).join(' ');
}

/** The names of a release's first file: one digest an algorithm. */
export function firstFiles(release: string): string {
  return release
    .split(' ')
    .map((id) => id.split('+')[0] ?? id)
    .join(' ');
}

function proving({ entry, probations }: Remembered, now: Date): Standing | undefined {
  const one = probations.find(({ journal }) => journal.changes.some(({ name }) => name === entry.name));
  if (one === undefined || isOver(one, now)) return undefined;
  return { state: 'proving', detail: 'proven to run, and watched a while longer', until: one.until };
}

/** What failed before the last success is history. */
function failed({ record }: Remembered, now: Date): Standing | undefined {
  const last = record?.last;
  if (record === undefined || last === undefined || last.outcome === 'updated') return undefined;
  const quarantine = record.quarantine.find(({ until }) => isAhead(until, now, LONGEST_QUARANTINE_MS));
  const { backoff } = record;
  if (backoff !== undefined && isAhead(backoff.notBefore, now, LONGEST_BACKOFF_MS)) {
    return { state: 'backing-off', detail: backoff.detail, until: backoff.notBefore };
  }
  if (quarantine !== undefined) {
    const { version, count, detail, until } = quarantine;
    const times = count === 1 ? 'once' : `${count} times`;
    return { state: 'quarantined', detail: `${version} failed here ${times}: ${detail}`, until };
  }
  const state = last.outcome === 'rolled-back' ? 'rolled-back' : 'failed';
  return { state, detail: last.detail };
}
