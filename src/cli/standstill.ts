import type { Plan } from '../domain/plan.ts';
import type { Settings } from '../domain/settings.ts';
import { VERSION } from '../domain/version.ts';
import { standsStill, standstillOf } from '../engine/standstill.ts';
import { settledFingerprintAt } from '../platform/fingerprint.ts';
import { type Beginning, hasWatchers, isStatusDue, nothingPending, type Tick, tellsEverything } from './tick.ts';

/**
 * Whether a run may be content that all is as it was: one that has something to tell of each binary has to look, and one
 * that knows but some of them can leave no standstill.
 */
export function mayStandStill(beginning: Beginning): boolean {
  const { output, names } = beginning.invocation;
  if (output === 'json' || names.length > 0) return false;
  return !tellsEverything(beginning) && !hasWatchers(beginning);
}

/** Whether this tick has nothing to do and nothing to tell, because nothing has changed since one that had not either. */
export async function isStandstill(beginning: Beginning): Promise<boolean> {
  const { half, settings } = beginning;
  const key = keyOf(settings, settledFingerprintAt(settings.manifestFile));
  const last = key === undefined ? undefined : await half.standstill.read(key);
  const still = last === undefined ? undefined : await standsStill(last, half);
  if (still === undefined || !(await nothingPending(beginning))) return false;
  return !(await isStatusDue(beginning, still));
}

/** After a look: `idle` is its plan where it has found nothing to do and nothing to tell. */
export async function keepStandstill({ half, settings, fingerprint }: Tick, idle: Plan | undefined): Promise<void> {
  const key = keyOf(settings, fingerprint);
  const standstill = idle && key !== undefined ? standstillOf(key, idle, half) : undefined;
  await (standstill === undefined ? half.standstill.forget() : half.standstill.keep(standstill));
}

/** What a standstill is one of: this program, its settings, and the manifest, by the fingerprint of the file. */
function keyOf({ manifestFile, binDir }: Settings, manifest: string | undefined): string | undefined {
  return manifest === undefined ? undefined : JSON.stringify([VERSION, manifestFile, manifest, binDir]);
}
