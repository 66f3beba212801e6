import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type BinaryName, isBinaryName } from '../domain/names.ts';
import { type BinaryRecord, emptyRecord } from '../domain/record.ts';
import { orUndefined, writeDurably } from '../platform/files.ts';
import { hasSchema, moveAside, readStateFile } from './json-file.ts';

const SUFFIX = '.json';
const FOLDER = 'binaries';

export interface Records {
  readonly byName: ReadonlyMap<BinaryName, BinaryRecord>;
  /** Names whose record is damaged, with the reason. */
  readonly damaged: ReadonlyMap<BinaryName, string>;
}

/** One record a binary, `<state dir>/binaries/<name>.json`. */
export class RecordStore {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = join(stateDir, FOLDER);
  }

  /** Reads what there is, in one directory listing; most binaries have nothing to remember. Writes nothing. */
  async read(names: readonly BinaryName[]): Promise<Records> {
    const present = new Set((await orUndefined(readdir(this.#directory))) ?? []);
    const byName = new Map<BinaryName, BinaryRecord>();
    const damaged = new Map<BinaryName, string>();
    for (const name of names) {
      if (!present.has(name + SUFFIX)) continue;
      const file = await readStateFile(this.#path(name), parseRecord);
      if (file.kind === 'read') byName.set(name, file.value);
      if (file.kind === 'damaged') damaged.set(name, file.why);
    }
    return { byName, damaged };
  }

  /** Changes one record durably; an unchanged one is not written. */
  async update(name: BinaryName, now: Date, change: (record: BinaryRecord) => BinaryRecord): Promise<void> {
    const file = await readStateFile(this.#path(name), parseRecord);
    if (file.kind === 'damaged') await moveAside(this.#path(name), now);
    const before = file.kind === 'read' ? file.value : emptyRecord(name);
    const after = change(before);
    if (after !== before) await writeDurably(this.#path(name), `${JSON.stringify(after, null, 2)}\n`);
  }

  #path(name: BinaryName): string {
    return join(this.#directory, name + SUFFIX);
  }
}

/** Written by this program as root; the schema id is the promise about its shape. */
function parseRecord(value: unknown): BinaryRecord | undefined {
  if (!hasSchema(value, 'bin-proxy/record/1')) return undefined;
  if (typeof value['name'] !== 'string' || !isBinaryName(value['name'])) return undefined;
  if (!Array.isArray(value['quarantine'])) return undefined;
  return value as unknown as BinaryRecord;
}
