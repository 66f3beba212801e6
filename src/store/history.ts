import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { appendLine, orUndefined, readText } from '../platform/files.ts';
import { hasTexts, isText, mustBeAllowed } from './json-file.ts';

/** So much of its end holds the last change. */
const TAIL_BYTES = 64 * 1024;

/** One change of this host: a line of `<state dir>/history.jsonl`. */
export interface HistoryLine {
  readonly at: string;
  readonly run: string;
  readonly name: string;
  readonly outcome: string;
  readonly reason: string;
  readonly detail: string;
  /** Of a rollback that failed: why; an earlier version wrote none. */
  readonly rollbackDetail?: string;
  readonly version: string;
  readonly from?: string;
  readonly to: string;
  readonly seconds: number;
  /** Who asked for the run; an earlier version wrote none. */
  readonly by?: string;
}

export interface ReadHistory {
  /** Oldest first. */
  readonly lines: readonly HistoryLine[];
  /** Lines that are no change in a known form: cut off by a crash, or edited. */
  readonly damaged: number;
}

export class History {
  readonly #path: string;
  readonly #by: string | undefined;

  /** `by` is who asked for this run; only those that add need it. */
  constructor(stateDir: string, by?: string) {
    this.#path = join(stateDir, 'history.jsonl');
    this.#by = by;
  }

  async add(line: HistoryLine): Promise<void> {
    await appendLine(this.#path, JSON.stringify(this.#by === undefined ? line : { ...line, by: this.#by }));
  }

  /** Throws {@link RunError} `no-permission`. */
  async read(): Promise<ReadHistory> {
    return parseLines((await this.#allowed(readText(this.#path))) ?? '');
  }

  /** The newest change, from the end of the file alone: it is never cut, and grows for years. */
  async last(): Promise<HistoryLine | undefined> {
    return parseLines((await this.#allowed(endOf(this.#path))) ?? '').lines.at(-1);
  }

  async #allowed<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      mustBeAllowed(this.#path, error);
      throw error;
    }
  }
}

async function endOf(path: string): Promise<string | undefined> {
  const handle = await orUndefined(open(path, 'r'));
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function parseLines(text: string): ReadHistory {
  const written = text.split('\n').filter((line) => line.trim() !== '');
  const lines = written.flatMap((line) => parseLine(line) ?? []);
  return { lines, damaged: written.length - lines.length };
}

function parseLine(line: string): HistoryLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (!hasTexts(value, 'at', 'run', 'name', 'outcome', 'reason', 'detail', 'version', 'to')) return undefined;
    const { at, from, by, seconds } = value;
    if (Number.isNaN(Date.parse(String(at))) || typeof seconds !== 'number') return undefined;
    const sound = [from, by].every((text) => text === undefined || isText(text));
    return sound ? (value as unknown as HistoryLine) : undefined;
  } catch {
    return undefined;
  }
}
