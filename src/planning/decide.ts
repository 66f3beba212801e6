import { digestText, sameDigest } from '../domain/digest.ts';
import type { UpdateError } from '../domain/errors.ts';
import type { Installation } from '../domain/installation.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Decision, FileChange, Plan, PlannedBinary } from '../domain/plan.ts';
import type { BinaryRecord, Hold, Quarantine } from '../domain/record.ts';
import { type Artifact, type Release, releaseNames, sameRelease } from '../domain/release.ts';
import { heldText, holdInForce } from './hold.ts';
import { minute } from './minute.ts';
import { LONGEST_BACKOFF_MS, LONGEST_QUARANTINE_MS } from './quarantine.ts';

/** What a source said about one binary; `not-asked` where the answer could not matter (a held binary). */
export type Answer =
  | { readonly kind: 'offered'; readonly release: Release }
  | { readonly kind: 'refused'; readonly error: UpdateError }
  | { readonly kind: 'not-asked' };

/** Everything a decision rests on. `installed` stands in the order of the release's artifacts. */
export interface Observed {
  readonly entry: ManifestEntry;
  readonly answer: Answer;
  readonly installed: readonly Installation[];
  readonly record?: BinaryRecord;
}

export interface Policy {
  readonly now: Date;
  /** `ignore` is an operator's `--force`: try again what failed here before. */
  readonly pastFailures: 'respect' | 'ignore';
}

/** Invariant 13: a pure function of what was seen and the time. */
export function decide(observed: readonly Observed[], policy: Policy): Plan {
  const offers = (name: string) => {
    const answer = observed.find(({ entry }) => entry.name === name)?.answer;
    return answer?.kind === 'offered' ? releaseNames(answer.release) : undefined;
  };
  const binaries = observed.map(
    (one): PlannedBinary => ({
      entry: one.entry,
      installed: one.installed,
      decision: decideOne(one, policy, offers),
    }),
  );
  return { at: policy.now.toISOString(), binaries, warnings: [], reports: 'unasked' };
}

/** The time of this look, and what every source offers in it. */
interface Moment {
  readonly now: Date;
  /** By the name of a binary; it is asked of the companions of a failed release alone. */
  readonly offers: (name: string) => string | undefined;
}

function decideOne(observed: Observed, policy: Policy, offers: Moment['offers']): Decision {
  const { entry, answer, record } = observed;
  const hold = holdInForce(record, policy.now);
  if (hold !== undefined) return heldByOperator(hold, observed);
  if (entry.hold !== undefined || answer.kind === 'not-asked') {
    return { kind: 'leave', reason: 'held', detail: entry.hold ?? 'held' };
  }
  if (answer.kind === 'refused') {
    const { reason, message, hint } = answer.error;
    return { kind: 'fail', reason, detail: message, ...(hint === undefined ? {} : { hint }) };
  }
  const { release } = answer;
  const files = changedFiles(release, observed.installed);
  if ('kind' in files) return files;
  if (files.length === 0) return { kind: 'up-to-date', release };
  const left = policy.pastFailures === 'respect' && record && leftAlone(release, record, { now: policy.now, offers });
  return left || { kind: 'change', release, reason: changeReason(observed, release), files };
}

/** Whoever holds a binary is told of no trouble with it, and the manifest's own word is not lost behind theirs. */
function heldByOperator(hold: Hold, { entry, answer }: Observed): Decision {
  return {
    kind: 'leave',
    reason: 'held',
    detail: heldText(hold, entry.hold),
    ...(answer.kind === 'offered' && { release: answer.release }),
    ...(hold.until !== undefined && entry.hold === undefined && { until: hold.until }),
  };
}

/** The files that differ from the release's, or why one of them can be neither compared nor replaced. */
function changedFiles(release: Release, found: readonly Installation[]): readonly FileChange[] | Decision {
  const files: FileChange[] = [];
  for (const [index, artifact] of release.artifacts.entries()) {
    const installed = found[index] ?? { kind: 'absent' };
    switch (installed.kind) {
      case 'absent':
        files.push({ artifact, installed });
        break;
      case 'present':
        if (!sameDigest(installed.digest, artifact.digest)) files.push({ artifact, installed });
        break;
      case 'foreign':
      case 'unreadable':
        return cannotReplace(release, artifact, installed);
    }
  }
  return files;
}

function cannotReplace(
  release: Release,
  artifact: Artifact,
  installed: Extract<Installation, { kind: 'foreign' | 'unreadable' }>,
): Decision {
  return installed.kind === 'foreign'
    ? {
        kind: 'fail',
        release,
        reason: 'foreign-target',
        detail: `expected a regular file at ${artifact.target}, found ${installed.what}`,
        hint: `Remove ${artifact.target}, or set "path" to where the program is to be installed.`,
      }
    : {
        kind: 'fail',
        release,
        reason: 'unreadable-target',
        detail: `cannot read ${artifact.target}: ${installed.why}`,
        hint: 'Run as root, or mend the permissions of the file and its directory.',
      };
}

/** Invariant 5: a release that failed here waits, unless a companion it failed with has changed since. */
function leftAlone(release: Release, record: BinaryRecord, { now, offers }: Moment): Decision | undefined {
  const names = releaseNames(release);
  const left = record.left?.find((one) => sameRelease(one.release, names));
  if (left !== undefined) {
    const detail = `${left.by} went back from it at ${minute(left.at)}; it waits for another release, "retry" or --force`;
    return { kind: 'leave', release, reason: 'left-by-operator', detail };
  }
  const quarantine = record.quarantine.find((q) => sameRelease(q.release, names) && isRunning(q, now, offers));
  if (quarantine !== undefined) {
    const times = quarantine.count === 1 ? 'once' : `${quarantine.count} times`;
    const detail = `failed here ${times}: ${quarantine.detail}`;
    return { kind: 'leave', release, reason: 'quarantined', detail, until: quarantine.until };
  }
  const { backoff } = record;
  const waits = backoff !== undefined && sameRelease(backoff.release, names);
  if (waits && isAhead(backoff.notBefore, now, LONGEST_BACKOFF_MS)) {
    return { kind: 'leave', release, reason: 'backing-off', detail: backoff.detail, until: backoff.notBefore };
  }
  return undefined;
}

/** A time further ahead than any that is ever set was set before the clock was put back, and holds nobody for ever. */
export function isAhead(time: string, now: Date, longestMs: number): boolean {
  const left = Date.parse(time) - now.getTime();
  return left > 0 && left <= longestMs;
}

function isRunning(quarantine: Quarantine, now: Date, offers: Moment['offers']): boolean {
  if (!isAhead(quarantine.until, now, LONGEST_QUARANTINE_MS)) return false;
  return Object.entries(quarantine.companions).every(([name, release]) =>
    sameRelease(offers(name) ?? release, release),
  );
}

function changeReason({ installed, record }: Observed, release: Release) {
  if (installed.every(({ kind }) => kind === 'absent')) return 'not-installed';
  return sameRelease(record?.active?.release ?? '', releaseNames(release)) ? 'drifted' : 'new-release';
}

/** The installed digests of a binary as one text, or undefined where nothing is installed. */
export function installedText(installed: readonly Installation[]): string | undefined {
  const digests = installed.flatMap((one) => (one.kind === 'present' ? [digestText(one.digest)] : []));
  return digests.length === 0 ? undefined : digests.join('+');
}
