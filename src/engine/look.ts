import type { Installation } from '../domain/installation.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Decision, Plan } from '../domain/plan.ts';
import type { BinaryRecord } from '../domain/record.ts';
import type { InstallationReader } from '../installers/installer.ts';
import { type Answer, decide, type Observed, type Policy } from '../planning/decide.ts';
import type { ReleaseSource } from '../sources/source.ts';
import type { RecordStore } from '../store/records.ts';

export interface LookRoles {
  readonly source: ReleaseSource;
  readonly reader: InstallationReader;
  readonly records: RecordStore;
}

export interface LookPolicy extends Policy {
  /** `ignore` is an operator's `--now`. */
  readonly windows: 'respect' | 'ignore';
  /**
   * Of which binaries the past is read: of all of them where a person wants to see it, else of those alone that would not
   * be left as they are, were it their turn. It is they whom an operator's hold makes a difference to, and those that
   * depend on them.
   */
  readonly records: 'all' | 'needed';
}

const NOT_ASKED: Answer = { kind: 'not-asked' };

/**
 * Observe, ask, decide: no lock, no write, no child process, and no hashing of a file that has not changed
 * (invariant 12). 1,439 ticks a day end here; a dry run is this, printed.
 */
export async function look(entries: readonly ManifestEntry[], roles: LookRoles, policy: LookPolicy): Promise<Plan> {
  const asked = entries.filter(({ hold }) => hold === undefined);
  const { answers, ...said } = await roles.source.ask(asked);
  const observed: Observed[] = [];
  for (const entry of entries) {
    const answer = answers.get(entry.name) ?? NOT_ASKED;
    observed.push({ entry, answer, installed: await installedFor(entry, answer, roles.reader) });
  }
  const plan = decide(observed, policy);
  // The past matters to what would change or cannot be judged: most ticks read no record at all, and restrain nothing.
  const wanted = plan.binaries.filter(({ decision }) => policy.records === 'all' || !isSettled(decision));
  if (wanted.length === 0) return { ...plan, ...said };
  const { byName, damaged } = await roles.records.read(wanted.map(({ entry }) => entry.name));
  const remembered = observed.map((one) => withRecord(one, byName.get(one.entry.name)));
  const unread = [...damaged].map(([name, why]) => `the record of ${name} is damaged and not used: ${why}`);
  const restraint = await restraintOf(entries, policy);
  return { ...restraint(decide(remembered, policy)), ...said, warnings: [...said.warnings, ...unread] };
}

/** Most manifests hold nothing back, and an idle tick loads nothing it does not use (invariant 12). */
async function restraintOf(entries: readonly ManifestEntry[], policy: LookPolicy): Promise<(plan: Plan) => Plan> {
  if (entries.every(({ window, dependsOn }) => window === undefined && dependsOn === undefined)) return (plan) => plan;
  const { restrain } = await import('../planning/restrain.ts');
  return (plan) => restrain(plan, policy);
}

function isSettled({ kind }: Decision): boolean {
  return kind === 'up-to-date' || kind === 'leave';
}

function withRecord(observed: Observed, record: BinaryRecord | undefined): Observed {
  return record === undefined ? observed : { ...observed, record };
}

/** Digests are taken in the release's own algorithm; without a release, of the entry's file in md5. */
async function installedFor(
  entry: ManifestEntry,
  answer: Answer,
  reader: InstallationReader,
): Promise<readonly Installation[]> {
  if (answer.kind !== 'offered') return [await reader.read(entry.path, 'md5')];
  const installed: Installation[] = [];
  for (const { target, digest } of answer.release.artifacts) {
    installed.push(await reader.read(target, digest.algorithm));
  }
  return installed;
}
