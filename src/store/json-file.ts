import { promises } from 'node:fs';
import { dirname } from 'node:path';
import { errorText, RunError, systemCode } from '../domain/errors.ts';
import { readText, writeDurably } from '../platform/files.ts';

/** What a state file held. A damaged one is reported and rebuilt from what is on disk; it never blocks an update. */
export type StateFile<T> =
  | { readonly kind: 'absent' }
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'damaged'; readonly why: string };

/**
 * Reads JSON written by this program; `parse` returns undefined for anything else, also for a later version's file.
 * Throws {@link RunError} `no-permission`.
 */
export async function readStateFile<T>(path: string, parse: (value: unknown) => T | undefined): Promise<StateFile<T>> {
  try {
    const text = await readText(path);
    if (text === undefined) return { kind: 'absent' };
    const value = parse(JSON.parse(text));
    return value === undefined ? { kind: 'damaged', why: 'not in a known format' } : { kind: 'read', value };
  } catch (error) {
    mustBeAllowed(path, error);
    return { kind: 'damaged', why: errorText(error) };
  }
}

/** State that may not be read is not damaged: whoever asks lacks the right to know. Throws {@link RunError}. */
export function mustBeAllowed(path: string, error: unknown): void {
  const code = systemCode(error);
  if (code !== 'EACCES' && code !== 'EPERM') return;
  throw new RunError('no-permission', `cannot read ${path}: ${errorText(error)}`, {
    cause: error,
    hint: 'Run as root.',
  });
}

/** Keeps a damaged file for inspection, out of the way. Returns its new name. */
export async function moveAside(path: string, now: Date): Promise<string> {
  const aside = `${path}.damaged-${now.toISOString().replaceAll(/[:.]/g, '')}`;
  await promises.rename(path, aside);
  return aside;
}

/** Writes what only saves time: that it cannot be written is no reason to fail. Makes its directory. */
export async function writeIfPossible(path: string, text: string): Promise<void> {
  try {
    await promises.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(path, text);
  } catch {
    // The next tick works it out again.
  }
}

export function hasSchema(value: unknown, schema: string): value is Record<string, unknown> {
  return isObject(value) && value['schema'] === schema;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isListOf<T>(value: unknown, is: (element: unknown) => element is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function hasTexts(value: unknown, ...keys: readonly string[]): value is Record<string, unknown> {
  return isObject(value) && keys.every((key) => isText(value[key]));
}
