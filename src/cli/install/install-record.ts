import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { makeDirectories, readText, removeFile, writeDurably } from '../../platform/files.ts';
import { hasSchema, isObject, isText, readStateFile } from '../../store/json-file.ts';
import { removeOwnFolder } from './own-folder.ts';

const SCHEMA = 'bin-proxy/installed/1';
const RECORD = '/var/lib/bin-proxy/installed.json';

/** By path on the host: the digest of the text that was last written there, or offered. */
export type Written = ReadonlyMap<string, string>;

/** What `install` remembers of a host, so that it knows an edited file from one of an earlier version. */
export class InstallRecord {
  readonly #path: string;

  constructor(root: string) {
    this.#path = join(root, RECORD);
  }

  /** One that is damaged remembers nothing: every file that differs is then taken for an edited one. */
  async read(): Promise<Written> {
    const file = await readStateFile(this.#path, (value) =>
      hasSchema(value, SCHEMA) && isObject(value['files']) ? value['files'] : undefined,
    );
    const files = file.kind === 'read' ? Object.entries(file.value) : [];
    return new Map(files.flatMap(([path, digest]) => (isText(digest) ? [[path, digest] as const] : [])));
  }

  async write(written: Written): Promise<void> {
    if (written.size === 0) {
      await removeFile(this.#path);
      return removeOwnFolder(dirname(this.#path));
    }
    await makeDirectories(dirname(this.#path), 0o700);
    const files = Object.fromEntries([...written].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    await writeDurably(this.#path, `${JSON.stringify({ schema: SCHEMA, files }, null, 2)}\n`);
  }
}

export function textDigest(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** The digest of a file, or undefined where there is none. */
export async function digestAt(path: string): Promise<string | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : textDigest(text);
}
