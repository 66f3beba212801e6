import { join } from 'node:path';
import type { Probation, WatchedProcess } from '../domain/probation.ts';
import { removeFile, writeDurably } from '../platform/files.ts';
import { parseJournal } from './journal-file.ts';
import { hasSchema, hasTexts, isListOf, moveAside, readStateFile } from './json-file.ts';

/** Releases on probation, `<state dir>/probation.json`; there while there are any. */
export class ProbationStore {
  readonly #path: string;

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'probation.json');
  }

  /** One file, so that an idle tick reads one. A damaged one watches nothing. */
  async read(): Promise<readonly Probation[]> {
    const file = await readStateFile(this.#path, parse);
    return file.kind === 'read' ? file.value : [];
  }

  async write(probations: readonly Probation[], now: Date): Promise<void> {
    const file = await readStateFile(this.#path, parse);
    if (file.kind === 'damaged') await moveAside(this.#path, now);
    if (probations.length === 0) return removeFile(this.#path);
    await writeDurably(this.#path, `${JSON.stringify({ schema: 'bin-proxy/probation/1', probations }, null, 2)}\n`);
  }
}

function parse(value: unknown): readonly Probation[] | undefined {
  if (!hasSchema(value, 'bin-proxy/probation/1')) return undefined;
  return isListOf(value['probations'], isProbation) ? value['probations'] : undefined;
}

function isProbation(value: unknown): value is Probation {
  if (!hasTexts(value, 'until', 'bootId') || parseJournal(value['journal']) === undefined) return false;
  return typeof value['restarts'] === 'number' && isListOf(value['watched'], isWatched);
}

function isWatched(value: unknown): value is WatchedProcess {
  return hasTexts(value, 'process', 'startTime') && typeof value['pid'] === 'number';
}
