import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fse from 'fs-extra';
import { digestFromText, digestText } from '../domain/digest.ts';
import { systemCode, UpdateError } from '../domain/errors.ts';
import { hashFile, orUndefined, removeFile, syncDirectory } from '../platform/files.ts';
import { distrust } from '../platform/trust.ts';

/** Left free for everybody else on the file system. */
const RESERVE_BYTES = 10 * 1024 * 1024;
/** No program is larger; what claims to be is a mistake or an attack. */
const MAX_ARTIFACT_BYTES = 8 * 1024 ** 3;

/** The folder beside a target, on its file system, where files are staged and former ones kept. */
export interface Workshop {
  readonly staging: string;
  readonly backups: string;
}

export function workshopOf(target: string, name: string): Workshop {
  const root = join(dirname(target), '.bin-proxy');
  return { staging: join(root, 'staging'), backups: join(root, 'backups', name) };
}

/** The path that is really replaced where nothing is installed yet: its directory is made and its links followed. */
export async function futurePath(target: string): Promise<string> {
  await fse.ensureDir(dirname(target));
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
  const root = dirname(workshop.staging);
  for (const directory of [root, workshop.staging, dirname(workshop.backups), workshop.backups]) {
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
    `${directory} has ${free} KiB free, too little to stage anything`,
    {
      hint: 'Free some space on this file system.',
    },
  );
}

/** Removes what dead ticks left in staging. Only between transactions, under the lock. */
export async function clearStaging({ staging }: Workshop): Promise<void> {
  for (const name of (await orUndefined(readdir(staging))) ?? []) await rm(join(staging, name), { force: true });
}

/** Keeps the newest backups of one file. A backup's ctime is when it was last linked: when it was made or went live. */
export async function pruneBackups({ backups }: Workshop, file: string, keep: number): Promise<void> {
  const names = ((await orUndefined(readdir(backups))) ?? []).filter((name) => name.startsWith(`${file}.`));
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(backups, name);
      return { path, ctime: (await lstat(path, { bigint: true })).ctimeNs };
    }),
  );
  aged.sort((a, b) => (a.ctime < b.ctime ? 1 : -1));
  for (const { path } of aged.slice(keep)) await removeFile(path);
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

/** The digest of a file in the algorithm of another, or undefined where there is none. */
export async function digestAt(path: string, like: string): Promise<string | undefined> {
  const algorithm = digestFromText(like)?.algorithm ?? 'md5';
  const digest = await orUndefined(hashFile(path, algorithm));
  return digest && digestText(digest);
}
