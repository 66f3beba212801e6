import { errorText, RunError, systemCode } from '../domain/errors.ts';
import type { Manifest } from '../domain/manifest.ts';
import { type FingerprintedText, readFingerprinted } from '../platform/fingerprint.ts';
import type { Cache } from './cache.ts';
import type { ManifestPlace } from './manifest-parse.ts';

/** Changes when the meaning of a cached manifest does. */
const FORMAT = 3;

export interface LoadedManifest {
  readonly manifest: Manifest;
  /** Whether it differs from what the last tick saw: only then are its warnings news. */
  readonly freshness: 'changed' | 'known';
  /** Of the file that was read, as `settledFingerprint` has it. */
  readonly fingerprint: string | undefined;
}

/**
 * Reads the manifest. One that was checked before, byte for byte the same, is taken from the cache: the schema library
 * would double the cost of an idle tick. Throws {@link RunError} `manifest-invalid` or `no-permission`.
 */
export async function loadManifest(place: ManifestPlace, cache: Cache): Promise<LoadedManifest> {
  const { text, fingerprint } = await readManifestFile(place.file);
  // The text itself: a digest of it would cost more, for it needs all of node:crypto.
  const key = JSON.stringify([FORMAT, place.file, place.binDir, text]);
  const known = cache.manifest(key);
  if (known !== undefined) return { manifest: known, freshness: 'known', fingerprint };
  const { parseManifest } = await import('./manifest-parse.ts');
  const manifest = parseManifest(text, place);
  cache.keepManifest(key, manifest);
  return { manifest, freshness: 'changed', fingerprint };
}

/** Throws {@link RunError} `manifest-invalid` or `no-permission`. */
export async function readManifest(file: string): Promise<string> {
  return (await readManifestFile(file)).text;
}

async function readManifestFile(file: string): Promise<FingerprintedText> {
  try {
    const read = await readFingerprinted(file);
    if (read !== undefined) return read;
  } catch (error) {
    const code = systemCode(error) === 'EACCES' ? 'no-permission' : 'manifest-invalid';
    throw new RunError(code, `cannot read the manifest ${file}: ${errorText(error)}`, { cause: error });
  }
  throw new RunError('manifest-invalid', `there is no manifest at ${file}`, {
    hint: 'Create it with {"binaries": [{"name": "manager", "version": "latest"}]}, or set BIN_MANIFESTS.',
  });
}
