import { join } from 'node:path';
import { appendLine } from '../platform/files.ts';

/** One change of this host: a line of `<state dir>/history.jsonl`. */
export interface HistoryLine {
  readonly at: string;
  readonly run: string;
  readonly name: string;
  readonly outcome: string;
  readonly reason: string;
  readonly detail: string;
  readonly version: string;
  readonly from?: string;
  readonly to: string;
  readonly seconds: number;
}

export class History {
  readonly #path: string;

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'history.jsonl');
  }

  async add(line: HistoryLine): Promise<void> {
    await appendLine(this.#path, JSON.stringify(line));
  }
}
