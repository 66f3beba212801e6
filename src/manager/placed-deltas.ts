import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { runCommand } from '../platform/command.ts';
import { orUndefined } from '../platform/files.ts';
import { DELTA_HEADER_BYTES, deltaBaseOf, deltaHeader } from './deltas.ts';
import type { Places } from './places.ts';

const TEST_MS = 60_000;

/** A delta in its place. */
export interface PlacedDelta {
  /** The sha256 of the file that it comes to. */
  readonly to: string;
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
}

/** Everything that lies where deltas do. */
export async function deltasIn(places: Places): Promise<readonly PlacedDelta[]> {
  const found: PlacedDelta[] = [];
  for (const to of (await orUndefined(readdir(places.deltas))) ?? []) {
    const names = (await orUndefined(readdir(`${places.deltas}/${to}`))) ?? [];
    found.push(...names.map((name) => ({ to, name, file: places.delta(to, name) })));
  }
  return found;
}

/**
 * What is wrong with a delta, or undefined. zstd compares what it makes with a checksum in the delta; where there is no
 * zstd, or the former file has been pruned, there is only the header to be looked at.
 */
export async function deltaProblem(
  places: Places,
  { name, file }: PlacedDelta,
  signal: AbortSignal,
): Promise<string | undefined> {
  const base = deltaBaseOf(name);
  if (base === undefined) return 'is not called as a delta is';
  const header = await headerOf(file);
  if (header?.equals(deltaHeader(base)) !== true) return `does not begin as a delta to sha256:${base}`;
  const former = places.artifact(base);
  if ((await orUndefined(lstat(former))) === undefined) return undefined;
  const test = ['--test', '--quiet', `--patch-from=${former}`, '--long=27', '--', file];
  const result = await runCommand('zstd', test, { timeoutMs: TEST_MS, signal });
  return result.kind === 'exited' && result.code !== 0 ? 'does not come to anything whole' : undefined;
}

async function headerOf(file: string): Promise<Buffer | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await orUndefined(open(file, 'r'));
    const header = await handle?.read(Buffer.alloc(DELTA_HEADER_BYTES), 0, DELTA_HEADER_BYTES, 0);
    return header?.buffer.subarray(0, header.bytesRead);
  } finally {
    await handle?.close();
  }
}
