import { join } from 'node:path';
import { syncDirectory, removeFile, writeDurably } from '../platform/files.ts';
import type { Journal } from '../domain/journal.ts';
import { hasSchema, moveAside, readStateFile, type StateFile } from './json-file.ts';

/** The intent journal, `<state dir>/journal.json`: there while a transaction is under way, and after it died. */
export class JournalStore {
  readonly #stateDir: string;
  readonly #path: string;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
    this.#path = join(stateDir, 'journal.json');
  }

  async read(): Promise<StateFile<Journal>> {
    return readStateFile(this.#path, parseJournal);
  }

  async write(journal: Journal): Promise<void> {
    await writeDurably(this.#path, `${JSON.stringify(journal, null, 2)}\n`);
  }

  async remove(): Promise<void> {
    await removeFile(this.#path);
    await syncDirectory(this.#stateDir);
  }

  async moveAside(now: Date): Promise<string> {
    return moveAside(this.#path, now);
  }
}

function parseJournal(value: unknown): Journal | undefined {
  if (!hasSchema(value, 'bin-proxy/journal/1')) return undefined;
  return Array.isArray(value['changes']) && Array.isArray(value['services']) ? (value as unknown as Journal) : undefined;
}
