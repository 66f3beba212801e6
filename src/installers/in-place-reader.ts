import { type BigIntStats, lstatSync, realpathSync, statSync } from 'node:fs';
import type { Digest, DigestAlgorithm } from '../domain/digest.ts';
import { errorText, systemCode } from '../domain/errors.ts';
import type { Installation } from '../domain/installation.ts';
import { settledFingerprint, settledFingerprintAt } from '../platform/fingerprint.ts';
import type { InstallationReader } from './installer.ts';

/** The digest of a file whose stats were just taken; it may be remembered from an earlier tick. */
export type DigestOf = (path: string, stats: BigIntStats, algorithm: DigestAlgorithm) => Promise<Digest>;

/** Reads one file at its own path; a symlink stands for the file behind it. */
export class InPlaceReader implements InstallationReader {
  readonly #digestOf: DigestOf;
  readonly #read = new Map<string, string>();

  constructor(digestOf: DigestOf) {
    this.#digestOf = digestOf;
  }

  fingerprint(target: string): string | undefined {
    return settledFingerprintAt(target);
  }

  fingerprintRead(target: string): string | undefined {
    return this.#read.get(target);
  }

  async read(target: string, algorithm: DigestAlgorithm): Promise<Installation> {
    this.#read.delete(target);
    try {
      const link = lstatSync(target, { bigint: true, throwIfNoEntry: false });
      if (link === undefined) return { kind: 'absent' };
      const realPath = link.isSymbolicLink() ? realpathSync.native(target) : target;
      const stats = link.isSymbolicLink() ? statSync(realPath, { bigint: true }) : link;
      if (!stats.isFile()) return { kind: 'foreign', what: kindOf(stats) };
      const read = settledFingerprint(stats);
      if (read !== undefined) this.#read.set(target, read);
      const digest = await this.#digestOf(realPath, stats, algorithm);
      return { kind: 'present', digest, size: Number(stats.size), realPath };
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ENOENT') return { kind: 'foreign', what: 'a symlink to nothing' };
      if (code === 'ELOOP') return { kind: 'foreign', what: 'a loop of symlinks' };
      return { kind: 'unreadable', why: errorText(error) };
    }
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}
