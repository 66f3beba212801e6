import { type BigIntStats, closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { orUndefined } from './files.ts';

/** A file that has changed twice within one tick of the kernel's clock keeps its times. */
const SETTLED_MS = 2_000;

/** Changes whenever the content may have changed. An inode number alone is reused at once on ext4. */
export function fingerprint(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** Whether a change made from now on will show in the times of a file whose stats were just taken. */
export function isSettled(stats: BigIntStats): boolean {
  // Either way: where the clock was set back, a change made now is stamped with another time all the same.
  return Math.abs(Date.now() - Number(stats.ctimeMs)) > SETTLED_MS;
}

/** A {@link fingerprint} that the next change of the file will change; undefined where it may not, as of a named pipe. */
export function settledFingerprint(stats: BigIntStats): string | undefined {
  return stats.isFile() && isSettled(stats) ? fingerprint(stats) : undefined;
}

/** The {@link settledFingerprint} of what lies at a path; undefined also where nothing does, or it cannot be asked. */
export function settledFingerprintAt(path: string): string | undefined {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats && settledFingerprint(stats);
  } catch {
    return undefined;
  }
}

/** The text of a file, and what shows that it still is this one. */
export interface FingerprintedText {
  readonly text: string;
  /** As {@link settledFingerprint} has it. */
  readonly fingerprint: string | undefined;
}

/** The same as `readText`, and its fingerprint. Both are of one open file, whatever the path leads to by then. */
export function readFingerprinted(path: string): Promise<FingerprintedText | undefined> {
  return orUndefined(new Promise((resolve) => resolve(readOpen(path))));
}

function readOpen(path: string): FingerprintedText {
  const file = openSync(path, 'r');
  try {
    const stats = fstatSync(file, { bigint: true });
    return { text: readFileSync(file, 'utf8'), fingerprint: settledFingerprint(stats) };
  } finally {
    closeSync(file);
  }
}
