import type { Plan, PlannedBinary } from '../domain/plan.ts';
import { releaseNames } from '../domain/release.ts';
import { installedText } from './decide.ts';

/** What a plan says of one binary: what it rests on, and what is to be done. */
export interface SavedBinary {
  readonly name: string;
  /** `up-to-date`, `change`, `leave` or `fail`, as the decision has it. */
  readonly decision: string;
  readonly reason: string;
  /** Digests of what was installed; absent: nothing. */
  readonly installed?: string;
  /** What was offered, as `releaseNames` writes it; absent: not known. */
  readonly offered?: string;
  readonly version?: string;
}

/** A plan as data, to be looked at and carried out later. */
export interface SavedPlan {
  readonly schema: 'bin-proxy/saved-plan/1';
  readonly host: string;
  /** RFC 3339 UTC: when it was looked. */
  readonly at: string;
  readonly manifest: string;
  /** What the look was allowed to overrule. */
  readonly force: 'no' | 'yes';
  readonly now: 'no' | 'yes';
  readonly binaries: readonly SavedBinary[];
}

export function savedBinary({ entry, installed, decision }: PlannedBinary): SavedBinary {
  const found = installedText(installed);
  const release = 'release' in decision ? decision.release : undefined;
  return {
    name: entry.name,
    decision: decision.kind,
    reason: decision.kind === 'up-to-date' ? decision.kind : decision.reason,
    ...(found !== undefined && { installed: found }),
    ...(release !== undefined && { offered: releaseNames(release), version: release.version }),
  };
}

/** The binaries that a saved plan changes. */
export function changedNames({ binaries }: SavedPlan): readonly string[] {
  return binaries.filter(({ decision }) => decision === 'change').map(({ name }) => name);
}

/** What is no longer as a saved plan has it, a line for each difference. Of what it changes alone: no more is done. */
export function differencesFrom(saved: SavedPlan, plan: Plan): readonly string[] {
  const now = new Map(plan.binaries.map((binary) => [binary.entry.name as string, savedBinary(binary)]));
  return saved.binaries
    .filter(({ decision }) => decision === 'change')
    .flatMap((before) => {
      const after = now.get(before.name);
      if (after === undefined) return [`${before.name}: is no longer in the manifest`];
      return (['installed', 'offered', 'version', 'decision', 'reason'] as const)
        .filter((key) => before[key] !== after[key])
        .map((key) => `${before.name}: ${key}: expected ${before[key] ?? 'nothing'}, found ${after[key] ?? 'nothing'}`);
    });
}
