import { type Stats, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { systemCode } from '../../domain/errors.ts';
import { type Validators, validators } from './conditions.ts';

/** Larger files are streamed, and not kept. */
const SMALL_BYTES = 256 * 1024;
const MAX_KEPT_BYTES = 64 * 1024 * 1024;
const MAX_KEPT_FILES = 20_000;
/** Errors of a path that leads to nothing that is for hosts. */
const NOTHING = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'];

const compress = promisify(gzip);

/** A file as one look at its name found it. */
export interface FoundFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly validators: Validators;
  readonly stats: Stats;
}

/** The bytes of a found file: all of them where it is small. Whoever gets a handle closes it. */
export type Content =
  | { readonly kind: 'small'; readonly bytes: Buffer }
  | { readonly kind: 'large'; readonly handle: FileHandle };

interface Kept {
  /** Where the name lies. */
  readonly file: string;
  readonly found: FoundFile;
  bytes?: Buffer;
  gzipped?: Promise<Buffer>;
}

/**
 * Files by their names, as they are now: every request looks at the name anew, so a release is seen in the moment in
 * which it is published. What was read before is kept as long as the name leads to the same file; the store never
 * changes a file, it renames another one to its place.
 */
export class StaticFiles {
  readonly #root: string;
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * What lies at a path below the root; undefined where no file does. The look is synchronous, as nginx's is: what takes
   * the kernel a few microseconds takes the thread pool ten times as long.
   */
  find(path: string): FoundFile | undefined {
    const kept = this.#kept.get(path);
    const file = kept?.file ?? join(this.#root, path);
    const stats = statsOf(file);
    if (kept !== undefined) {
      if (stats !== undefined && isSame(kept.found.stats, stats)) return kept.found;
      this.#forget(kept);
    }
    if (stats === undefined) return undefined;
    const found = { path, size: stats.size, validators: validators(stats.mtimeMs, stats.size), stats };
    if (this.#kept.size >= MAX_KEPT_FILES) this.#forgetAll();
    this.#kept.set(path, { file, found });
    return found;
  }

  /** The bytes, where they were read before. */
  kept(found: FoundFile): Buffer | undefined {
    const kept = this.#kept.get(found.path);
    return kept?.found === found ? kept.bytes : undefined;
  }

  /** The bytes; undefined where the name leads to another file by now. */
  async open(found: FoundFile): Promise<Content | undefined> {
    const handle = await openFile(join(this.#root, found.path));
    if (handle === undefined) return undefined;
    let keepsOpen = false;
    try {
      if (!isSame(found.stats, await handle.stat())) return undefined;
      keepsOpen = found.size > SMALL_BYTES;
      if (keepsOpen) return { kind: 'large', handle };
      const bytes = await handle.readFile();
      this.#keep(found, bytes);
      return { kind: 'small', bytes };
    } finally {
      if (!keepsOpen) await handle.close();
    }
  }

  /** The same bytes compressed, which is done once. */
  async gzipped(found: FoundFile, bytes: Buffer): Promise<Buffer> {
    const kept = this.#kept.get(found.path);
    if (kept?.found !== found) return compress(bytes);
    kept.gzipped ??= compress(bytes);
    return kept.gzipped;
  }

  #keep(found: FoundFile, bytes: Buffer): void {
    if (this.#keptBytes + bytes.length > MAX_KEPT_BYTES) this.#forgetAll();
    const kept = this.#kept.get(found.path);
    if (kept?.found !== found || kept.bytes !== undefined) return;
    kept.bytes = bytes;
    this.#keptBytes += bytes.length;
  }

  #forget({ found, bytes }: Kept): void {
    this.#kept.delete(found.path);
    this.#keptBytes -= bytes?.length ?? 0;
  }

  #forgetAll(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }
}

function statsOf(file: string): Stats | undefined {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats?.isFile() === true ? stats : undefined;
  } catch (error) {
    return undefinedForNothing(error);
  }
}

async function openFile(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (error) {
    return undefinedForNothing(error);
  }
}

function undefinedForNothing(error: unknown): undefined {
  if (NOTHING.includes(systemCode(error) ?? '')) return undefined;
  throw error;
}

/** An inode number alone is reused at once; with its times it is not. */
function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.dev === b.dev;
}
