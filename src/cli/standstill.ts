import { statSync } from 'node:fs';
import type { Plan } from '../domain/plan.ts';
import { VERSION } from '../domain/version.ts';
import { standsStill, standstillOf } from '../engine/standstill.ts';
import { settledFingerprint } from '../platform/files.ts';
import { type Beginning, hasWatchers, isStatusDue, nothingPending, type Tick, tellsEverything } from './tick.ts';

/**
 * What a standstill is one of: this program, its settings and the manifest as it lies there now. Undefined for a run that
 * has something to tell of each binary, or that knows but some of them: it has to look.
 */
export function standstillKey(beginning: Beginning): string | undefined {
  const { invocation, settings } = beginning;
  if (invocation.output === 'json' || invocation.names.length > 0) return undefined;
  if (tellsEverything(beginning) || hasWatchers(beginning)) return undefined;
  const { manifestFile, binDir } = settings;
  const manifest = fingerprintOf(manifestFile);
  return manifest === undefined ? undefined : JSON.stringify([VERSION, manifestFile, manifest, binDir]);
}

/** Whether this tick has nothing to do and nothing to tell, because nothing has changed since one that had not either. */
export async function isStandstill(beginning: Beginning, key: string): Promise<boolean> {
  const { half } = beginning;
  const last = await half.standstill.read(key);
  const still = last === undefined ? undefined : await standsStill(last, half);
  if (still === undefined || !(await nothingPending(beginning))) return false;
  return !(await isStatusDue(beginning, still));
}

/** After a look: `idle` is its plan where it has found nothing to do and nothing to tell. */
export async function keepStandstill({ half }: Tick, idle: Plan | undefined, key: string): Promise<void> {
  const standstill = idle && standstillOf(key, idle, half);
  await (standstill === undefined ? half.standstill.forget() : half.standstill.keep(standstill));
}

/** One that is not there, or cannot be read, is told of by whoever reads it. */
function fingerprintOf(manifestFile: string): string | undefined {
  try {
    return settledFingerprint(statSync(manifestFile, { bigint: true }));
  } catch {
    return undefined;
  }
}
