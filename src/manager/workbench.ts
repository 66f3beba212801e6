import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
  utimes,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../domain/errors.ts';
import { createExclusive, orUndefined, removeFile, syncDirectory } from '../platform/files.ts';

/** Names in the staging directory that belong to whoever holds the lock. */
export const BENCH_PREFIX = 'view-';

/** Whether something was right already. */
export type Made = 'kept' | 'placed';

/**
 * Makes files and links elsewhere and renames them to their places, so that a reader sees the former one or the new
 * one. What is right already is left as it is, but `flush` makes it last as well: a run that was killed may
 * have put it there. Call that before anything points at what was made.
 */
export class Workbench {
  readonly #staging: string;
  readonly #touched = new Set<string>();

  constructor(staging: string) {
    this.#staging = staging;
  }

  /** A file that everybody may read and nobody writes. `stamp` is its time of last change. */
  async text(path: string, text: string, stamp: string): Promise<Made> {
    const time = new Date(stamp);
    const there = await statsOf(path);
    this.#touched.add(dirname(path));
    const isRight = there?.isFile() === true && there.mtimeMs === time.getTime();
    if (isRight && (await readFile(path, 'utf8')) === text) return 'kept';
    const temporary = this.#temporary();
    const handle = await createExclusive(temporary);
    try {
      await handle.writeFile(text);
      await handle.chmod(0o444);
      await handle.utimes(time, time);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await this.#place(temporary, path);
    return 'placed';
  }

  async link(path: string, target: string): Promise<void> {
    this.#touched.add(dirname(path));
    if ((await targetOf(path)) === target) return;
    const temporary = this.#temporary();
    await symlink(target, temporary);
    await this.#place(temporary, path);
  }

  /** Brings a file that is complete and synced to its place; what is there is replaced. */
  async adopt(file: string, path: string, stamp: Date): Promise<void> {
    await utimes(file, stamp, stamp);
    await this.#place(file, path);
  }

  /** The same bytes at another place: a hard link where that can be, else a copy. */
  async bytes(source: string, path: string): Promise<Made> {
    const [wanted, there] = [await lstat(source), await statsOf(path)];
    this.#touched.add(dirname(path));
    const isSame = there?.isFile() === true && there.size === wanted.size && there.mtimeMs === wanted.mtimeMs;
    if (isSame) return 'kept';
    const temporary = this.#temporary();
    try {
      await link(source, temporary);
    } catch (error) {
      if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
      await copyDurably(source, temporary, wanted.mtime);
    }
    await this.#place(temporary, path);
    return 'placed';
  }

  async remove(path: string): Promise<void> {
    if ((await statsOf(path)) === undefined) return;
    await unlink(path);
    this.#touched.add(dirname(path));
  }

  /** Removes a directory if nothing is in it. */
  async removeIfEmpty(directory: string): Promise<void> {
    try {
      await rmdir(directory);
      this.#touched.delete(directory);
      this.#touched.add(dirname(directory));
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) throw error;
    }
  }

  async directory(path: string): Promise<void> {
    try {
      await mkdir(path, 0o755);
      this.#touched.add(dirname(path));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') {
        await this.directory(dirname(path));
        return this.directory(path);
      }
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }

  /** What was made so far survives a power cut. */
  async flush(): Promise<void> {
    for (const directory of this.#touched) await orUndefined(syncDirectory(directory));
    this.#touched.clear();
  }

  async #place(temporary: string, path: string): Promise<void> {
    try {
      await this.directory(dirname(path));
      await rename(temporary, path);
    } catch (error) {
      await removeFile(temporary);
      throw error;
    }
    this.#touched.add(dirname(path));
  }

  #temporary(): string {
    return join(this.#staging, `${BENCH_PREFIX}${randomBytes(8).toString('hex')}`);
  }
}

/** Where a symlink leads; undefined for anything else. */
export async function targetOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

async function statsOf(path: string) {
  return orUndefined(lstat(path));
}

async function copyDurably(source: string, path: string, modified: Date): Promise<void> {
  try {
    await copyFile(source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const handle = await open(path, 'r');
    try {
      await handle.chmod(0o444);
      await handle.utimes(modified, modified);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await removeFile(path);
    throw error;
  }
}
