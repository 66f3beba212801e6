import { errorText, RunError, systemCode } from '../domain/errors.ts';
import type { Manifest } from '../domain/manifest.ts';
import { readText } from '../platform/files.ts';
import type { Cache } from './cache.ts';
import type { ManifestPlace } from './manifest-parse.ts';

/** Changes when the meaning of a cached manifest does. */
const FORMAT = 3;

export interface LoadedManifest {
  readonly manifest: Manifest;
  /** Whether it differs from what the last tick saw: only then are its warnings news. */
  readonly freshness: 'changed' | 'known';
}

/**
 * Reads the manifest. One that was checked before, byte for byte the same, is taken from the cache: the schema library
 * would double the cost of an idle tick. Throws {@link RunError} `manifest-invalid` or `no-permission`.
 */
export async function loadManifest(place: ManifestPlace, cache: Cache): Promise<LoadedManifest> {
  const text = await readManifest(place.file);
  // The text itself: a digest of it would cost more, for it needs all of node:crypto.
  const key = JSON.stringify([FORMAT, place.file, place.binDir, text]);
  const known = cache.manifest(key);
  if (known !== undefined) return { manifest: known, freshness: 'known' };
  const { parseManifest } = await import('./manifest-parse.ts');
  const manifest = parseManifest(text, place);
  cache.keepManifest(key, manifest);
  return { manifest, freshness: 'changed' };
}

/** Throws {@link RunError} `manifest-invalid` or `no-permission`. */
export async function readManifest(file: string): Promise<string> {
  try {
    const text = await readText(file);
    if (text !== undefined) return text;
  } catch (error) {
    const code = systemCode(error) === 'EACCES' ? 'no-permission' : 'manifest-invalid';
    throw new RunError(code, `cannot read the manifest ${file}: ${errorText(error)}`, { cause: error });
  }
  throw new RunError('manifest-invalid', `there is no manifest at ${file}`, {
    hint: 'Create it with {"binaries": [{"name": "manager", "version": "latest"}]}, or set BIN_MANIFESTS.',
  });
}
