import { lstat, readFile } from 'node:fs/promises';
import { errorText } from '../domain/errors.ts';
import { type CommandLimits, type CommandResult, runCommand } from '../platform/command.ts';
import { createExclusive, hashFile, orUndefined, removeFile } from '../platform/files.ts';
import type { Catalog } from './catalog.ts';
import { type DeltaBase, type DeltaWish, deltaBases, deltaHeader, deltaName } from './deltas.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { Places } from './places.ts';
import { stagedFile, type Upload } from './upload.ts';
import { Workbench } from './workbench.ts';

/** A delta that saves less is not worth its place. */
const WORTH_IT = 0.6;
/** zstd's levels. With the quick one 100 MB take seconds; the best one makes a quarter less of them, and takes minutes. */
const [QUICK, BEST] = [12, 19];
/** With the best one no more than a second or two. */
const SMALL_BYTES = 2 << 20;
/** A delta that is smaller than this part of its file needs no better one: minutes would save seconds at most. */
const TINY = 0.01;
/** Window of zstd, in bits: all of the former file must be within reach. For what is larger there is no delta. */
const WINDOW = '--long=27';

/** A delta on its way into the store. */
export interface Delta {
  readonly from: DeltaBase;
  /** Whoever asked for it places it, or drops it. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
}

export interface MadeDeltas {
  readonly deltas: readonly Delta[];
  /** Why there is not one from every release that there could be. */
  readonly warnings: readonly string[];
}

export interface DeltaOrder {
  readonly upload: Upload;
  readonly wish: DeltaWish;
  readonly signal: AbortSignal;
  /** Told before deltas are made that take long. */
  readonly onDeltas?: (from: readonly DeltaBase[], totalMs: number) => void;
}

/**
 * Makes deltas to a file that has arrived, before anybody is offered it and without the lock: quick ones first, then
 * better ones as long as there is time. The program zstd does it: its memory (five times the file)
 * is not the server's, it can be ended, and Node has learnt it only in 22.19. Whatever goes wrong, there is a delta less.
 * Throws the reason of `signal` alone.
 */
export async function makeDeltas(places: Places, catalog: Catalog, order: DeltaOrder): Promise<MadeDeltas> {
  const { upload, wish, signal } = order;
  const time = timeFor(order);
  const made = new Map<DeltaBase, Delta>();
  const failed = new Map<DeltaBase, string>();
  const bases = await missing(places, upload, deltaBases(catalog, wish, upload));
  const levels = upload.size < SMALL_BYTES ? [BEST] : [QUICK, BEST];
  if (bases.length > 0 && levels.length > 1) order.onDeltas?.(bases, time.totalMs);
  for (const [level, from] of levels.flatMap((one) => bases.map((base) => [one, base] as const))) {
    const quick = made.get(from);
    if (failed.has(from) || isGoodOrHopeless(quick, upload)) continue;
    try {
      made.set(from, await time.spend((timeoutMs) => makeOne({ places, from, upload, level }, { timeoutMs, signal })));
      await dropDeltas([quick]);
    } catch (error) {
      if (signal.aborted) await dropDeltas([...made.values()]);
      signal.throwIfAborted();
      if (quick === undefined) failed.set(from, errorText(error));
    }
  }
  const all = [...made.values()];
  await dropDeltas(all.filter((delta) => isHopeless(delta, upload)));
  return { deltas: all.filter((delta) => !isHopeless(delta, upload)), warnings: warningsOf(failed) };
}

/** The time that there is for all deltas, waiting for others who make some included. */
function timeFor({ wish, signal }: DeltaOrder) {
  const { totalMs = 0, turns = new OneAtATime() } = wish.deltas ?? {};
  const until = performance.now() + totalMs;
  const left = () => Math.round(until - performance.now());
  /** Throws where there is none left. */
  const spend = async (work: (timeoutMs: number) => Promise<Delta>): Promise<Delta> => {
    const attempt = async () => (left() > 0 ? work(left()) : undefined);
    const delta = left() > 0 ? await turns.run(attempt, { withinMs: left(), signal }) : undefined;
    if (delta === undefined) throw new Error('there was no time left for it');
    return delta;
  };
  return { totalMs, spend };
}

/** Brings deltas to their places. The caller holds the lock, and nobody is offered the file yet. */
export async function placeDeltas(places: Places, deltas: readonly Delta[], to: Placed): Promise<void> {
  const bench = new Workbench(places.staging);
  for (const { file, from } of deltas) {
    await bench.adopt(file, places.delta(to.sha256, deltaName(from.sha256)), new Date(to.published));
  }
  await bench.flush();
}

interface Placed {
  readonly sha256: string;
  readonly published: string;
}

/** Removes those that have not found their places. */
export async function dropDeltas(deltas: readonly (Delta | undefined)[]): Promise<void> {
  for (const delta of deltas) if (delta !== undefined) await removeFile(delta.file);
}

/** Those from which there is no delta yet: the same release may be published again. */
async function missing(places: Places, upload: Upload, bases: readonly DeltaBase[]): Promise<readonly DeltaBase[]> {
  const found = await Promise.all(
    bases.map(({ sha256 }) => orUndefined(lstat(places.delta(upload.sha256, deltaName(sha256))))),
  );
  return bases.filter((_, index) => found[index] === undefined);
}

function isGoodOrHopeless(delta: Delta | undefined, upload: Upload): boolean {
  return isHopeless(delta, upload) || (delta !== undefined && delta.size < upload.size * TINY);
}

function isHopeless(delta: Delta | undefined, upload: Upload): boolean {
  return delta !== undefined && delta.size > upload.size * WORTH_IT;
}

function warningsOf(failed: ReadonlyMap<DeltaBase, string>): readonly string[] {
  const reasons = new Set(failed.values());
  return [...reasons].map((why) => {
    const versions = [...failed].filter(([, one]) => one === why).map(([{ version }]) => version);
    return `no delta from ${versions.join(', ')}, so hosts fetch the whole file: ${why}`;
  });
}

interface Making {
  readonly places: Places;
  readonly from: DeltaBase;
  readonly upload: Upload;
  readonly level: number;
}

/** Proven before it is offered, as every file is: applied to the former file, it comes to the new one. */
async function makeOne({ places, from, upload, level }: Making, limits: CommandLimits): Promise<Delta> {
  const [frame, file] = [stagedFile(places.staging), stagedFile(places.staging)];
  const former = places.artifact(from.sha256);
  const patch = ['--quiet', `--patch-from=${former}`, WINDOW];
  if ((await orUndefined(lstat(former))) === undefined) throw new Error(`${former} is missing ("bin-manager verify")`);
  try {
    mustBeDone(await zstd([`-${level}`, ...patch, '-o', frame, '--', upload.file], limits));
    await writeDelta(file, from, await readFile(frame));
    await removeFile(frame);
    mustBeDone(await zstd(['--decompress', ...patch, '-o', frame, '--', file], limits));
    const { hex } = await hashFile(frame, 'sha256');
    if (hex !== upload.sha256) throw new Error(`it comes to sha256:${hex}`);
    return { from, file, size: (await lstat(file)).size };
  } catch (error) {
    await removeFile(file);
    throw error;
  } finally {
    await removeFile(frame);
  }
}

/** Not at the cost of those whom this machine serves meanwhile. */
function zstd(args: readonly string[], limits: CommandLimits): Promise<CommandResult> {
  return runCommand('nice', ['-n', '10', 'zstd', ...args], limits);
}

function mustBeDone(result: CommandResult): void {
  switch (result.kind) {
    case 'exited':
      if (result.code === 0) return;
      // nice(1) says so of a program that is not there.
      if (result.code === 127) throw new Error('zstd is not installed here');
      throw new Error(`zstd exited with ${result.code}, saying ${JSON.stringify(result.stderr.trim().slice(0, 200))}`);
    case 'killed':
      throw new Error(`zstd was ended: ${result.why}`);
    case 'not-found':
    case 'not-started':
      throw new Error('zstd could not be started');
  }
}

async function writeDelta(file: string, from: DeltaBase, frame: Buffer): Promise<void> {
  const handle = await createExclusive(file);
  try {
    await handle.writeFile(Buffer.concat([deltaHeader(from.sha256), frame]));
    await handle.chmod(0o444);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
