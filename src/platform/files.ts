import { constants, existsSync, promises, readdirSync, readFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Digest, DigestAlgorithm } from '../domain/digest.ts';
import { systemCode } from '../domain/errors.ts';
import { crypto } from './builtins.ts';

const HASH_BUFFER_BYTES = 1 << 20;
// `promises` is used by its full name throughout: an idle tick reads at once, and Node loads it with its first use.

/** Names one file as long as it exists: two names with the same identity are the same inode. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

export async function identityOf(path: string): Promise<FileIdentity | undefined> {
  const stats = await orUndefined(promises.stat(path, { bigint: true }));
  return stats && { dev: stats.dev, ino: stats.ino };
}

/** The path with every symlink followed. A file that is not there yet has none, but its directory may be behind a link. */
export async function realPathOf(path: string): Promise<string> {
  try {
    return await promises.realpath(path);
  } catch {
    const directory = await promises.realpath(dirname(path)).catch(() => dirname(path));
    return join(directory, basename(path));
  }
}

/** Streams a file through a digest; memory does not grow with its size. */
export async function hashFile(path: string, algorithm: DigestAlgorithm): Promise<Digest> {
  const handle = await promises.open(path, 'r');
  try {
    const hash = crypto().createHash(algorithm);
    const buffer = Buffer.allocUnsafe(HASH_BUFFER_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return { algorithm, hex: hash.digest('hex') };
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Resolves to undefined where the promise fails because there is no such file. */
export async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * A small file as a whole, or undefined. It is read at once: what a tick reads is in memory already, and the way through
 * the thread pool costs ten times the read.
 */
export function readText(path: string): Promise<string | undefined> {
  return orUndefined(new Promise((resolve) => resolve(readFileSync(path, 'utf8'))));
}

/** Makes creations, renames and removals in a directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await promises.open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Opens a file that must not exist yet, and follows no symlink an attacker may have put there. */
export async function createExclusive(path: string): Promise<FileHandle> {
  return promises.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
}

/** What {@link writeDurably} calls a file until it is whole; the group is its writer's pid. */
export const TEMPORARY = /^\..+\.(\d+)-[0-9a-f]{12}\.tmp$/;

/** A name beside `path` that nobody can guess, and that tells whose it is: {@link sweepTemporaries} knows it. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}-${crypto().randomBytes(6).toString('hex')}.tmp`);
}

/** Removes what writers that have died left in a directory. */
export async function sweepTemporaries(directory: string): Promise<void> {
  for (const path of deadTemporaries(directory)) await removeFile(path);
}

/** Temporary files whose writers have died. Those that live are left alone: looking takes no lock. */
export function deadTemporaries(directory: string): readonly string[] {
  return namesIn(directory).flatMap((name) => {
    const pid = TEMPORARY.exec(name)?.[1];
    return pid === undefined || existsSync(`/proc/${pid}`) ? [] : [join(directory, name)];
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Replaces a small file as a whole: readers see the former text or the new one, also after a power cut. Owner and mode
 * of a file that is already there are kept.
 */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const there = await orUndefined(promises.lstat(path));
  // A link's own mode says nothing: it is replaced by a file.
  const former = there?.isFile() === true ? there : undefined;
  const temporary = temporaryName(path);
  const handle = await createExclusive(temporary);
  try {
    await handle.writeFile(text);
    if (former !== undefined && process.geteuid?.() === 0) await handle.chown(former.uid, former.gid);
    await handle.chmod(former === undefined ? mode : former.mode & 0o7777);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await removeFile(temporary);
    throw naming(error, path);
  }
  await handle.close();
  try {
    await promises.rename(temporary, path);
  } catch (error) {
    await removeFile(temporary);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Writes so many bytes beside `path`, durably, and removes them: where that fails, a later {@link writeDurably} of `path`
 * would fail too, and it is better to know it now.
 */
export async function rehearseWrite(path: string, bytes: number): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const handle = await createExclusive(temporary);
    try {
      await handle.writeFile(Buffer.alloc(bytes));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw naming(error, path);
  } finally {
    await removeFile(temporary);
  }
}

/**
 * Makes a directory and those above it, and says whether it was there: others may be making them as well. Node's own says
 * ENOENT where a disk is full.
 */
export async function makeDirectories(path: string, mode?: number): Promise<'made' | 'there'> {
  try {
    return await makeDirectory(path, mode);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectories(dirname(path), mode);
    return makeDirectory(path, mode);
  }
}

async function makeDirectory(path: string, mode?: number): Promise<'made' | 'there'> {
  try {
    await promises.mkdir(path, { mode });
    return 'made';
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && (await promises.stat(path)).isDirectory()) return 'there';
    throw error;
  }
}

/** An error of an open file does not say which file it is. */
export function naming(error: unknown, path: string): unknown {
  // Not the slash alone: EIO is an "i/o error".
  if (!(error instanceof Error) || systemCode(error) === undefined || error.message.includes("'/")) return error;
  return Object.assign(new Error(`${error.message} '${path}'`, { cause: error }), { code: systemCode(error) });
}

/** Appends one line with a single write, durably. */
export async function appendLine(path: string, line: string, mode = 0o600): Promise<void> {
  const handle = await promises.open(path, 'a', mode);
  try {
    await handle.writeFile(`${line}\n`);
    await handle.sync();
  } catch (error) {
    throw naming(error, path);
  } finally {
    await handle.close();
  }
}

/** Removes a file; one that is not there is as good as removed. */
export async function removeFile(path: string): Promise<void> {
  await orUndefined(promises.unlink(path));
}
