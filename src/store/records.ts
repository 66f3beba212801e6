import { promises } from 'node:fs';
import { join } from 'node:path';
import type { BinaryName } from '../domain/names.ts';
import {
  type Backoff,
  type BinaryRecord,
  emptyRecord,
  type FormerVersion,
  type Hold,
  type LeftRelease,
  type Quarantine,
} from '../domain/record.ts';
import { orUndefined, writeDurably } from '../platform/files.ts';
import {
  hasSchema,
  hasTexts,
  isListOf,
  isObject,
  isText,
  moveAside,
  mustBeAllowed,
  readStateFile,
  type StateFile,
} from './json-file.ts';

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
    const present = new Set(await this.#list());
    const byName = new Map<BinaryName, BinaryRecord>();
    const damaged = new Map<BinaryName, string>();
    for (const name of names) {
      if (!present.has(name + SUFFIX)) continue;
      const file = await this.#readOne(name);
      if (file.kind === 'read') byName.set(name, file.value);
      if (file.kind === 'damaged') damaged.set(name, file.why);
    }
    return { byName, damaged };
  }

  /** Changes one record durably; an unchanged one is not written. */
  async update(name: BinaryName, now: Date, change: (record: BinaryRecord) => BinaryRecord): Promise<void> {
    const file = await this.#readOne(name);
    if (file.kind === 'damaged') await moveAside(this.#path(name), now);
    const before = file.kind === 'read' ? file.value : emptyRecord(name);
    const after = change(before);
    if (after !== before) await writeDurably(this.#path(name), `${JSON.stringify(after, null, 2)}\n`);
  }

  async #readOne(name: BinaryName): Promise<StateFile<BinaryRecord>> {
    return readStateFile(this.#path(name), (value) => parseRecord(value, name));
  }

  async #list(): Promise<readonly string[]> {
    try {
      return (await orUndefined(promises.readdir(this.#directory))) ?? [];
    } catch (error) {
      mustBeAllowed(this.#directory, error);
      throw error;
    }
  }

  #path(name: BinaryName): string {
    return join(this.#directory, name + SUFFIX);
  }
}

/** Written by this program as root; but one that was edited by hand must not end every tick from now on. */
function parseRecord(value: unknown, name: BinaryName): BinaryRecord | undefined {
  if (!hasSchema(value, 'bin-proxy/record/1') || value['name'] !== name) return undefined;
  const { quarantine, backoff, hold, left = [], former = [], leftDown = [] } = value;
  const sound =
    isListOf(quarantine, isQuarantine) &&
    (backoff === undefined || isBackoff(backoff)) &&
    (hold === undefined || isHold(hold)) &&
    isListOf(left, isLeft) &&
    isListOf(former, isFormer) &&
    isListOf(leftDown, isText);
  return sound ? (value as unknown as BinaryRecord) : undefined;
}

function isQuarantine(value: unknown): value is Quarantine {
  return (
    hasTexts(value, 'release', 'version', 'reason', 'detail') &&
    isTime(value['until']) &&
    typeof value['count'] === 'number' &&
    isObject(value['companions']) &&
    Object.values(value['companions']).every(isText)
  );
}

function isBackoff(value: unknown): value is Backoff {
  return (
    hasTexts(value, 'release', 'reason', 'detail') && isTime(value['notBefore']) && typeof value['count'] === 'number'
  );
}

function isHold(value: unknown): value is Hold {
  if (!hasTexts(value, 'by', 'since')) return false;
  const { until, reason } = value;
  return (until === undefined || isTime(until)) && (reason === undefined || isText(reason));
}

function isLeft(value: unknown): value is LeftRelease {
  return hasTexts(value, 'release', 'by', 'at');
}

function isFormer(value: unknown): value is FormerVersion {
  return hasTexts(value, 'release', 'until') && (value['version'] === undefined || isText(value['version']));
}

/** One that is no time would be a quarantine without end. */
function isTime(value: unknown): boolean {
  return isText(value) && !Number.isNaN(Date.parse(value));
}
