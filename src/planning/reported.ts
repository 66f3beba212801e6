import { type Digest, digestFromText } from '../domain/digest.ts';
import type { VersionName } from '../domain/names.ts';
import type { HeldReason, Outcome, OutcomeKind } from '../domain/outcome.ts';
import type { BinaryRecord } from '../domain/record.ts';
import { sameRelease } from '../domain/release.ts';
import type { ReportedBinary, ReportedState, Running } from '../domain/reported.ts';

const MAX_REASON_LENGTH = 300;

/** What is known of one binary at the end of a tick. */
export interface Known {
  readonly outcome: Outcome;
  readonly record?: BinaryRecord | undefined;
  readonly probation: 'under-way' | 'none';
  /** As the manifest names it. */
  readonly follows?: VersionName | undefined;
}

/** What a release server is told of one binary. */
export function reportedBinary(known: Known): ReportedBinary {
  const state = stateOf(known);
  const running = runningAfter(known.outcome, known.record);
  const wanted = wantedBy(known);
  const since = sinceOf(state, known);
  const reason = whyOf(known);
  return {
    name: known.outcome.name,
    state,
    ...(running !== undefined && { running }),
    ...(known.follows !== undefined && { follows: known.follows }),
    ...(wanted !== undefined && { wanted }),
    ...(since !== undefined && { since }),
    ...(reason !== undefined && { reason }),
  };
}

/** What is installed after a tick; undefined where nothing is, or nobody can say what. */
export function runningAfter(outcome: Outcome, record: BinaryRecord | undefined): Running | undefined {
  const id = installedAfter(outcome);
  if (id === undefined) return undefined;
  const active = activeAs(id, record);
  return asFarAsKnown(active?.release ?? id, id === outcome.to ? outcome.version : active?.version);
}

/** What an operator has gone back to is not what the server offers. */
function wantedBy({ outcome: { to, version, reason }, record }: Known): Running | undefined {
  if (to === undefined || reason === 'operator-rollback') return undefined;
  return asFarAsKnown(activeAs(to, record)?.release ?? to, version);
}

function asFarAsKnown(names: string, version: string | undefined): Running | undefined {
  const [first, ...others] = digestsOf(names);
  return first && { digests: [first, ...others], ...(version !== undefined && { version }) };
}

/** Why it is not as it should be, with the word for the reason first. */
export function reasonText({ reason, detail }: { readonly reason: string; readonly detail: string }): string {
  // The detail of a check ends with what a program printed, and nobody knows what a program prints (invariant 14).
  const text = reason === 'check-failed' ? reason : `${reason}: ${detail}`;
  return text.length <= MAX_REASON_LENGTH ? text : `${text.slice(0, MAX_REASON_LENGTH - 1)}…`;
}

function installedAfter(outcome: Outcome): string | undefined {
  switch (outcome.outcome) {
    case 'up-to-date':
    case 'updated':
      return outcome.to;
    case 'held':
    case 'failed':
    case 'rolled-back':
      return outcome.from;
    case 'rollback-failed':
      return undefined;
  }
}

/** What the record knows of the release that is installed. */
function activeAs(id: string, record: BinaryRecord | undefined): BinaryRecord['active'] {
  return record?.active !== undefined && sameRelease(record.active.release, id) ? record.active : undefined;
}

/** A release of several files has an id that is no digest. */
function digestsOf(names: string): readonly Digest[] {
  return names.split(' ').flatMap((id) => digestFromText(id) ?? []);
}

/** Somebody wants it so; nothing has failed. */
const DECIDED: ReadonlySet<string> = new Set<HeldReason>([
  'held',
  'left-by-operator',
  'waiting-for-window',
  'waiting-for-dependency',
  'put-off',
]);

function stateOf({ outcome, record, probation }: Known): ReportedState {
  switch (outcome.outcome) {
    case 'up-to-date':
    case 'updated':
      return probation === 'under-way' ? 'proving' : 'ok';
    case 'rolled-back':
    case 'rollback-failed':
      return outcome.outcome;
    case 'failed':
      return orMissing(outcome);
    case 'held':
      return heldState(outcome, record);
  }
}

function heldState(outcome: Outcome, record: BinaryRecord | undefined): ReportedState {
  if (outcome.reason === 'held' || outcome.reason === 'left-by-operator') return 'held';
  const last = record?.last?.outcome;
  // A host that needs a person does so until something else becomes of the binary.
  if (last === 'rollback-failed') return last;
  if (outcome.reason === 'quarantined') return 'quarantined';
  if (DECIDED.has(outcome.reason)) return 'held';
  return last === 'rolled-back' ? last : orMissing(outcome);
}

/** There may well be a file, but not one that was looked at. */
const UNSEEN: ReadonlySet<string> = new Set(['foreign-target', 'unreadable-target', 'blocked']);

function orMissing({ from, reason }: Outcome): 'failed' | 'missing' {
  return from === undefined && !UNSEEN.has(reason) ? 'missing' : 'failed';
}

/** Which last outcome in the record has led to a state. */
const LED_BY: Partial<Record<ReportedState, OutcomeKind>> = {
  'rolled-back': 'rolled-back',
  'rollback-failed': 'rollback-failed',
  failed: 'failed',
  missing: 'failed',
};

function sinceOf(state: ReportedState, { outcome, record }: Known): string | undefined {
  if (state === 'ok' || state === 'proving') return activeAs(outcome.to ?? '', record)?.since;
  if (state === 'quarantined') return quarantineOf(outcome, record)?.since;
  const last = record?.last;
  return last !== undefined && last.outcome === LED_BY[state] ? last.at : undefined;
}

function quarantineOf({ to = '' }: Outcome, record: BinaryRecord | undefined) {
  return record?.quarantine.find(({ release }) => sameRelease(release, to));
}

function whyOf({ outcome, record }: Known): string | undefined {
  switch (outcome.outcome) {
    case 'up-to-date':
    case 'updated':
      return undefined;
    case 'failed':
    case 'rolled-back':
      return reasonText(outcome);
    case 'rollback-failed':
      return reasonText({ ...outcome, detail: `${outcome.detail}; ${outcome.rollbackDetail}` });
    case 'held': {
      if (DECIDED.has(outcome.reason)) return outcome.detail.slice(0, MAX_REASON_LENGTH);
      const held = outcome.reason === 'quarantined' ? quarantineOf(outcome, record) : record?.backoff;
      return held === undefined ? outcome.reason : reasonText(held);
    }
  }
}
