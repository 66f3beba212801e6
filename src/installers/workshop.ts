import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, link, lstat, mkdir, open, readdir, realpath, rename, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fse from 'fs-extra';
import { digestFromText, digestText } from '../domain/digest.ts';
import { systemCode, UpdateError } from '../domain/errors.ts';
import type { JournalFile } from '../domain/journal.ts';
import { RESERVE_BYTES } from '../domain/workshop.ts';
import { isNoSpace } from '../platform/file-trouble.ts';
import { hashFile, makeDirectories, orUndefined, removeFile, syncDirectory } from '../platform/files.ts';
import { HttpTrouble } from '../platform/http-trouble.ts';
import { distrust } from '../platform/trust.ts';
import { type Workshop, workshopOf } from './workshop-places.ts';

const ONE_DAY_NS = 86_400_000_000_000n;
/** No program is larger; what claims to be is a mistake or an attack. */
const MAX_ARTIFACT_BYTES = 8 * 1024 ** 3;

/** The path that is really replaced where nothing is installed yet: its directory is made and its links followed. */
export async function futurePath(target: string): Promise<string> {
  await makeDirectories(dirname(target));
  return join(await realpath(dirname(target)), basename(target));
}

/** Makes the workshop, 0700, and refuses one that somebody else prepared. */
export async function openWorkshop(target: string, name: string): Promise<Workshop> {
  const why = await distrust(dirname(target));
  if (why !== undefined) {
    throw new UpdateError(
      { reason: 'no-permission', fault: 'setup' },
      `${dirname(target)} must not be trusted: ${why}`,
      {
        hint: 'Nobody but root may write where root installs programs (chown root, chmod go-w).',
      },
    );
  }
  const workshop = workshopOf(target, name);
  const { staging, backups, rejected } = workshop;
  const root = dirname(staging);
  for (const directory of [root, staging, dirname(backups), backups, rejected]) {
    await makeDirectory(directory);
    const stats = await lstat(directory);
    const ours = stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0;
    if (!ours) {
      throw new UpdateError(
        { reason: 'staging-failed', fault: 'setup' },
        `${directory} is not a directory that only this user can write`,
        {
          hint: `Remove ${root}; it is made anew.`,
        },
      );
    }
  }
  return workshop;
}

/** Durably: a live file must not survive a power cut without the folder that holds its backup. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    throw error;
  }
  await syncDirectory(dirname(directory));
}

/** How many bytes may be staged in a directory. Throws `UpdateError` `no-space`. */
export async function roomIn(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  const room = bavail * bsize - RESERVE_BYTES;
  if (room > 0) return Math.min(room, MAX_ARTIFACT_BYTES);
  const free = Math.round((bavail * bsize) / 1024);
  throw new UpdateError(
    { reason: 'no-space', fault: 'host' },
    `${directory} has ${free} KiB free, too little to stage anything: ${RESERVE_BYTES / 1024} KiB stay free for others`,
    {
      hint: 'Free some space on this file system.',
    },
  );
}

/** A release that is refused because it is larger than the room there is: the disk is too full, not the release too large. */
export function mayBeNoRoom(error: unknown, maxBytes: number): unknown {
  const tooLarge =
    error instanceof UpdateError && error.cause instanceof HttpTrouble && error.cause.kind === 'too-large';
  if (!tooLarge || maxBytes === MAX_ARTIFACT_BYTES) return error;
  return new UpdateError({ reason: 'no-space', fault: 'host' }, `${error.message} (${RESERVE_BYTES} bytes stay free)`, {
    cause: error,
    hint: 'Free some space on the file system of the target.',
  });
}

/** Removes what dead ticks left in staging. Only between transactions, under the lock. */
export async function clearStaging({ staging }: Workshop): Promise<void> {
  for (const name of (await orUndefined(readdir(staging))) ?? []) await fse.remove(join(staging, name));
}

/** Keeps the newest backups of one file. */
export async function pruneBackups({ backups }: Workshop, file: string, keep: number): Promise<void> {
  await pruneLinks(backups, file, keep);
}

/** Keeps the rejected file that was taken away last: each may be as large as the program. */
export async function pruneRejected({ rejected }: Workshop, file: string): Promise<void> {
  await pruneLinks(rejected, file, 1);
}

/** A link's ctime is when it was last linked: when it was made or went live. */
async function pruneLinks(directory: string, file: string, keep: number): Promise<void> {
  const all = (await orUndefined(readdir(directory))) ?? [];
  const names = all.filter((name) => name.replace(/\.[a-z0-9]+-[0-9a-f]+$/, '') === file);
  if (names.length <= keep) return;
  // Not the clock of this process: files and their directory are stamped by one clock, also on a network file system.
  const present = (await lstat(directory, { bigint: true })).mtimeNs;
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const { ctimeNs } = await lstat(path, { bigint: true });
      // Made before the clock was set back. As the newest of all it would push out the one that was made just now.
      return { path, ctime: ctimeNs > present + ONE_DAY_NS ? 0n : ctimeNs };
    }),
  );
  aged.sort((a, b) => (a.ctime < b.ctime ? 1 : -1));
  for (const { path } of aged.slice(keep)) await removeFile(path);
}

/** Where the bytes of a journal's file go when they are taken away again. */
export function rejectedPath({ target, next }: JournalFile): string {
  return join(workshopOf(target, '').rejected, linkName(target, next));
}

/** What a kept file is called: the name of its target, and its digest. */
export function linkName(target: string, digest: string): string {
  return `${basename(target)}.${digest.replace(':', '-')}`;
}

/** Gives the live file of a bad release a second name. Evidence only: whatever goes wrong, the rollback goes on. */
export async function keepRejected(file: JournalFile): Promise<void> {
  const kept = rejectedPath(file);
  try {
    await linkOver(file.target, kept, dirname(file.staged));
    await syncDirectory(dirname(kept));
  } catch {
    // Not even worth a word: that it was not kept shows in the evidence.
  }
}

/**
 * A rejected file is for reading. Only once it has no other name: the live one must stay executable (invariant 1), and so
 * must a kept one that was gone back to and did not run this time.
 */
export async function sealRejected(file: JournalFile): Promise<void> {
  const kept = await orUndefined(lstat(rejectedPath(file)));
  if (kept?.nlink !== 1) return;
  await chmod(rejectedPath(file), 0o400).catch(() => undefined);
}

/** Waits until a file's bytes and attributes are on disk. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives the file a second name in one rename. Where both names are one inode already, rename(2) leaves the first. */
export async function linkOver(from: string, to: string, staging: string): Promise<void> {
  const temporary = join(staging, `.${basename(to)}.${randomBytes(6).toString('hex')}`);
  await link(from, temporary);
  try {
    await rename(temporary, to);
  } finally {
    await removeFile(temporary);
  }
}

/**
 * Makes a backup live again. Where there is no room for another name (a tmpfs without inodes), the backup's own one goes
 * live: a rollback must not fail because of a name that is only kept for later.
 */
export async function bringBack(backup: string, target: string, staging: string): Promise<void> {
  try {
    await linkOver(backup, target, staging);
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    await rename(backup, target);
  }
}

/** The digest of a file in the algorithm of another, or undefined where there is none. */
export async function digestAt(path: string, like: string): Promise<string | undefined> {
  const algorithm = digestFromText(like)?.algorithm ?? 'md5';
  const digest = await orUndefined(hashFile(path, algorithm));
  return digest && digestText(digest);
}
