import { promises } from 'node:fs';
import { dirname, join } from 'node:path';
import { readText, removeFile, writeDurably } from '../platform/files.ts';
import { hasSchema, hasTexts, isObject, isText } from './json-file.ts';

const SCHEMA = 'bin-proxy/standstill/1';

/** What a look rested on that found nothing to do. */
export interface Standstill {
  /** What was asked: the program, its settings, the manifest. */
  readonly key: string;
  /** What stands for all that the source said. */
  readonly mark: string;
  /** What shows that a file is the one that was looked at, by its path. */
  readonly targets: Readonly<Record<string, string>>;
}

/** `<state dir>/standstill.json`: what ticks compare that find nothing to do. Losing it costs time, never truth. */
export class StandstillFile {
  readonly #path: string;
  #isKnown = false;

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'standstill.json');
  }

  /** Undefined where it was written for another key, or cannot be read. */
  async read(key: string): Promise<Standstill | undefined> {
    const text = await this.#text();
    const read = text === undefined ? undefined : parse(text, key);
    this.#isKnown = read !== undefined;
    return read;
  }

  /** Writes nothing that stands there already (invariant 12). One that cannot be written is no reason to fail. */
  async keep(standstill: Standstill): Promise<void> {
    const text = `${JSON.stringify({ schema: SCHEMA, ...standstill })}\n`;
    if ((await this.#text()) === text) return;
    try {
      await promises.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeDurably(this.#path, text);
    } catch {
      // The next tick looks again.
    }
  }

  /**
   * Removes what `read` gave: a look has found more than it says. As long as that lasts, the source would be shown a mark
   * that does not hold, would send all it has, and be asked a second time by the look.
   */
  async forget(): Promise<void> {
    if (!this.#isKnown) return;
    try {
      await removeFile(this.#path);
    } catch {
      // It costs time, never truth.
    }
  }

  async #text(): Promise<string | undefined> {
    return readText(this.#path).catch(() => undefined);
  }
}

function parse(text: string, key: string): Standstill | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!hasSchema(value, SCHEMA) || value['key'] !== key || !hasTexts(value, 'mark')) return undefined;
    const { targets } = value;
    return isObject(targets) && Object.values(targets).every(isText) ? (value as unknown as Standstill) : undefined;
  } catch {
    return undefined;
  }
}
