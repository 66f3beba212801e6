import { join } from 'node:path';
import { readText, removeFile } from '../platform/files.ts';
import { hasSchema, hasTexts, isText, writeIfPossible } from './json-file.ts';

const SCHEMA = 'bin-proxy/standstill/1';
/**
 * How long one is believed: not every file system keeps the times of its files, and another build of this program may go
 * by the same version. Once an hour a host looks, come what may.
 */
const BELIEVED_MS = 3_600_000;

interface FirstLine {
  readonly schema: typeof SCHEMA;
  readonly at: string;
  readonly key: string;
  readonly mark: string;
  /** How many lines follow. */
  readonly targets: number;
}

/** A path, and what shows that the file there is the one that was looked at. */
export type SeenTarget = readonly [path: string, fingerprint: string];

/** What a look rested on that found nothing to do. */
export interface Standstill {
  /** What was asked: the program, its settings, the manifest. */
  readonly key: string;
  /** What stands for all that the source said. */
  readonly mark: string;
  readonly targets: Iterable<SeenTarget>;
}

/** What stands in the place of a target that cannot be read: no file fits it. */
const DAMAGED: SeenTarget = ['', 'damaged'];

/**
 * `<state dir>/standstill.jsonl`: what ticks compare that find nothing to do. Its first line says what was asked, and every
 * other one is a target; they are read one by one, for there may be a thousand. Losing it costs time, never truth.
 */
export class StandstillFile {
  readonly #path: string;
  readonly #now: () => Date;
  #isKnown = false;

  constructor(stateDir: string, now: () => Date) {
    this.#path = join(stateDir, 'standstill.jsonl');
    this.#now = now;
  }

  /** Undefined where it was written for another key, or too long ago, or cannot be read. */
  async read(key: string): Promise<Standstill | undefined> {
    const text = (await this.#text()) ?? '';
    const first = this.#believed(text);
    this.#isKnown = first?.key === key;
    return first?.key === key ? { key, mark: first.mark, targets: targetsIn(text, first.targets) } : undefined;
  }

  /** Writes nothing that still may stand there (invariant 12). One that cannot be written is no reason to fail. */
  async keep({ key, mark, targets }: Standstill): Promise<void> {
    const lines = Array.from(targets, (target) => JSON.stringify(target));
    const textOf = (at: string) => {
      const first: FirstLine = { schema: SCHEMA, at, key, mark, targets: lines.length };
      return [JSON.stringify(first), ...lines, ''].join('\n');
    };
    const former = (await this.#text()) ?? '';
    const believed = this.#believed(former);
    if (believed !== undefined && former === textOf(believed.at)) return;
    await writeIfPossible(this.#path, textOf(this.#now().toISOString()));
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

  /** The first line, where it is sound and not of another time; clocks may be set back. */
  #believed(text: string): FirstLine | undefined {
    const first = parsed(text.slice(0, text.indexOf('\n')));
    if (!isFirstLine(first)) return undefined;
    return Math.abs(this.#now().getTime() - Date.parse(first.at)) < BELIEVED_MS ? first : undefined;
  }
}

/** As many as the first line says, or one more that is damaged: a file that was cut off would fit whatever it lacks. */
function* targetsIn(text: string, count: number): Generator<SeenTarget> {
  let at = text.indexOf('\n') + 1;
  let left = count;
  for (let end = text.indexOf('\n', at); end !== -1; end = text.indexOf('\n', at)) {
    const target = parsed(text.slice(at, end));
    yield isTarget(target) ? target : DAMAGED;
    at = end + 1;
    left--;
  }
  if (left !== 0 || at !== text.length) yield DAMAGED;
}

function isFirstLine(value: unknown): value is FirstLine {
  return (
    hasSchema(value, SCHEMA) &&
    hasTexts(value, 'at', 'key', 'mark') &&
    Number.isInteger((value as { targets?: unknown }).targets)
  );
}

function isTarget(value: unknown): value is SeenTarget {
  return Array.isArray(value) && value.length === 2 && value.every(isText);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
