import { createHash } from 'node:crypto';
import type { Digest } from '../../src/domain/digest.ts';
import type { Installation } from '../../src/domain/installation.ts';
import type { ManifestEntry } from '../../src/domain/manifest.ts';
import {
  type BinaryName,
  isBinaryName,
  isServiceName,
  isVersionName,
  type ServiceName,
} from '../../src/domain/names.ts';
import { type BinaryRecord, emptyRecord } from '../../src/domain/record.ts';
import type { Artifact, Release } from '../../src/domain/release.ts';

/** The moment at which every table here is looked at. */
export const NOW = new Date('2030-05-06T07:08:09.000Z');

export function minutesFromNow(minutes: number): string {
  return new Date(NOW.getTime() + minutes * 60_000).toISOString();
}

export function binary(text: string): BinaryName {
  if (!isBinaryName(text)) throw new Error(`not a binary name: ${text}`);
  return text;
}

export function service(text: string): ServiceName {
  if (!isServiceName(text)) throw new Error(`not a service name: ${text}`);
  return text;
}

/** The md5 of a word: a digest that says in a test what it is of. */
export function md5Of(word: string): Digest {
  return { algorithm: 'md5', hex: createHash('md5').update(word).digest('hex') };
}

export function sha256Of(word: string): Digest {
  return { algorithm: 'sha256', hex: createHash('sha256').update(word).digest('hex') };
}

export function entryOf(text: string, more: Partial<ManifestEntry> = {}): ManifestEntry {
  const version = 'latest';
  if (!isVersionName(version)) throw new Error('not a version name');
  const path = `/usr/local/bin/${text}`;
  return { name: binary(text), version, path, services: [service(text)], keep: 3, ...more };
}

function artifactOf(digest: Digest, target = '/usr/local/bin/app'): Artifact {
  return { url: `http://releases.example/${digest.hex}`, digest, target };
}

export function releaseOf(digest: Digest, ...others: readonly Digest[]): Release {
  return { version: '2', artifacts: [artifactOf(digest), ...others.map((one, i) => artifactOf(one, `/opt/app/${i}`))] };
}

export function present(digest: Digest, realPath = '/usr/local/bin/app'): Installation {
  return { kind: 'present', digest, size: 4711, realPath };
}

export function recordOf(text: string, more: Partial<BinaryRecord> = {}): BinaryRecord {
  return { ...emptyRecord(binary(text)), ...more };
}
