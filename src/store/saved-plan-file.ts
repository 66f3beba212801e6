import { errorText, RunError } from '../domain/errors.ts';
import type { SavedBinary, SavedPlan } from '../planning/saved-plan.ts';
import { readText, writeDurably } from '../platform/files.ts';
import { hasSchema, hasTexts, isListOf } from './json-file.ts';

/** Writes a plan, whole. Throws {@link RunError} `disk-trouble` where that cannot be done. */
export async function writeSavedPlan(file: string, plan: SavedPlan): Promise<void> {
  try {
    await writeDurably(file, `${JSON.stringify(plan, null, 2)}\n`, 0o644);
  } catch (cause) {
    throw new RunError('disk-trouble', `cannot write the plan ${file}: ${errorText(cause)}`, { cause });
  }
}

/** Throws {@link RunError} `usage` for what is no plan. Nothing in it is believed but what is to be compared. */
export async function readSavedPlan(file: string): Promise<SavedPlan> {
  let text: string | undefined;
  try {
    text = await readText(file);
    const value: unknown = JSON.parse(text ?? 'null');
    if (hasSchema(value, 'bin-proxy/saved-plan/1') && isPlan(value)) return value as unknown as SavedPlan;
  } catch (cause) {
    throw new RunError('usage', `cannot read the plan ${file}: ${errorText(cause)}`, { cause });
  }
  const found = text === undefined ? 'there is no such file' : 'it is something else';
  throw new RunError('usage', `expected a plan in ${file}; ${found}`, { hint: `bin-proxy plan --out ${file}` });
}

function isPlan(value: Readonly<Record<string, unknown>>): boolean {
  return hasTexts(value, 'host', 'at', 'manifest', 'force', 'now') && isListOf(value['binaries'], isBinary);
}

function isBinary(value: unknown): value is SavedBinary {
  return hasTexts(value, 'name', 'decision', 'reason');
}
