import type { Stats } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import {
  createExclusive,
  naming,
  orUndefined,
  removeFile,
  syncDirectory,
  temporaryName,
} from '../../platform/files.ts';
import { type Host, hostRecord } from './host.ts';
import { type Bounds, type Change, Registry } from './registry.ts';

const SCHEMA = 'bin-manager/fleet/1';
/** Changes that are written in one go: others are listened to in between, and the text of all takes no memory at once. */
const BATCH = 500;

/** What a state file held. */
export interface LoadedState {
  /** Those that were written first come first. */
  readonly hosts: readonly Host[];
  /** Why the file is not as it was written; the hosts that could be read are there all the same. */
  readonly damage?: string;
}

/**
 * Reads `hosts.jsonl`: a line that names the schema, then one line a change, the later one right. A last line without
 * its end is what a kill leaves, and no damage. Of a file that was written with more memory than there is now, the last lines
 * count.
 */
export async function readState(path: string, bounds: Bounds): Promise<LoadedState> {
  const read = new Registry(bounds, () => {});
  const handle = await orUndefined(open(path, 'r'));
  if (handle === undefined) return { hosts: [] };
  let number = 0;
  let bad: { readonly line: number; readonly why: string } | undefined;
  let count = 0;
  try {
    for await (const line of createInterface({
      input: handle.createReadStream(),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      number += 1;
      const problem = number === 1 ? headProblem(line) : take(read, line);
      if (problem === undefined) continue;
      count += 1;
      bad ??= { line: number, why: problem };
      if (number === 1) break;
    }
  } finally {
    await handle.close();
  }
  const hosts = [...read.hosts()];
  if (number === 0) return { hosts, damage: 'it is empty' };
  const isTorn = bad?.line === number && count === 1 && number > 1;
  if (bad === undefined || isTorn) return { hosts };
  return { hosts, damage: `line ${bad.line}: ${bad.why}${count > 1 ? `, and ${count - 1} more lines` : ''}` };
}

/** Keeps a damaged file for inspection; one that was kept before goes, so that they do not add up. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.damaged`;
  await rename(path, aside);
  return aside;
}

/** Another server has made the file anew: it is the one that writes from now on. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

/**
 * The state file, open for more. After an error it must be written anew: its last line may be torn. It stays open until
 * then, since an inode that nobody has open may be another file's next.
 */
export class StateFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #bytes: number;
  readonly #bytesAtFirst: number;
  #isTorn = false;

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#bytesAtFirst = bytes;
  }

  /**
   * Writes all hosts to a new file and puts it in the place of the former one; {@link settle} makes that last. Without a
   * former one whatever is there is replaced. Throws {@link SupersededError} where another file has taken its place.
   */
  static async write(path: string, hosts: readonly Host[], former?: StateFile): Promise<StateFile> {
    const temporary = temporaryName(path);
    const handle = await createExclusive(temporary);
    try {
      let bytes = await append(handle, `${JSON.stringify({ schema: SCHEMA })}\n`);
      bytes += await appendAll(
        handle,
        hosts.map((host) => ({ kind: 'changed', host })),
      );
      await handle.sync();
      await former?.mustBeOurs();
      await rename(temporary, path);
      return new StateFile(path, handle, bytes);
    } catch (error) {
      await handle.close();
      await removeFile(temporary);
      throw naming(error, path);
    }
  }

  /** Whether it is to be written anew: most of it is no longer true, or its end is not whole. */
  get isWorn(): boolean {
    return this.#isTorn || this.#bytes > 2 * this.#bytesAtFirst + 4 * 2 ** 20;
  }

  /** Makes its place survive a power cut. It is this file that lies there, also where that fails. */
  async settle(): Promise<void> {
    try {
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      this.#isTorn = true;
      throw naming(error, this.#path);
    }
  }

  /** Adds changes, durably. Throws {@link SupersededError}. */
  async add(changes: readonly Change[]): Promise<void> {
    try {
      const there = await this.mustBeOurs();
      if (there === undefined) throw Object.assign(new Error('the file was removed'), { code: 'ENOENT' });
      this.#bytes += await appendAll(this.#handle, changes);
      await this.#handle.datasync();
    } catch (error) {
      this.#isTorn = true;
      throw naming(error, this.#path);
    }
  }

  /** Throws {@link SupersededError} where another file is in its place; undefined where none is. */
  async mustBeOurs(): Promise<Stats | undefined> {
    const [ours, there] = [await this.#handle.stat(), await orUndefined(stat(this.#path))];
    if (there === undefined || (there.ino === ours.ino && there.dev === ours.dev)) return there;
    throw new SupersededError(`another server writes ${this.#path} now`);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function appendAll(handle: FileHandle, changes: readonly Change[]): Promise<number> {
  let bytes = 0;
  for (let next = 0; next < changes.length; next += BATCH) {
    bytes += await append(
      handle,
      changes
        .slice(next, next + BATCH)
        .map(changeLine)
        .join(''),
    );
  }
  return bytes;
}

async function append(handle: FileHandle, text: string): Promise<number> {
  const bytes = Buffer.from(text);
  await handle.writeFile(bytes);
  return bytes.length;
}

function changeLine(change: Change): string {
  switch (change.kind) {
    case 'changed':
      return `${JSON.stringify(change.host)}\n`;
    case 'seen': {
      const { id, lastSeen, listedAt } = change.host;
      return `${JSON.stringify({ seen: id, lastSeen, listedAt })}\n`;
    }
    case 'forgotten':
      return `${JSON.stringify({ forgotten: change.id })}\n`;
  }
}

/** Takes a line in, and says what is wrong with it. */
function take(read: Registry, line: string): string | undefined {
  const value = parsed(line);
  if (value === undefined) return 'not valid JSON';
  const { seen, forgotten, lastSeen, listedAt } = value;
  if (typeof forgotten === 'string') {
    read.drop(forgotten);
    return undefined;
  }
  const former = typeof seen === 'string' ? read.get(seen) : undefined;
  if (typeof seen === 'string' && former === undefined) return undefined;
  const record = hostRecord.safeParse(
    former === undefined ? value : { ...former, lastSeen, ...(listedAt !== undefined && { listedAt }) },
  );
  if (!record.success) return 'not the record of a host';
  read.restore([record.data]);
  return undefined;
}

function headProblem(line: string): string | undefined {
  const schema = parsed(line)?.['schema'];
  return schema === SCHEMA
    ? undefined
    : `expected schema ${SCHEMA}, found ${JSON.stringify(schema ?? line.slice(0, 40))}`;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
