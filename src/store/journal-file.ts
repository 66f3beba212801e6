import { join } from 'node:path';
import type { HealthCheck } from '../domain/health.ts';
import type { Journal, JournalChange, JournalFile, JournalProcess, JournalService } from '../domain/journal.ts';
import { fileTrouble } from '../platform/file-trouble.ts';
import { rehearseWrite, removeFile, syncDirectory, writeDurably } from '../platform/files.ts';
import { hasSchema, hasTexts, isListOf, isText, moveAside, readStateFile, type StateFile } from './json-file.ts';

/** A journal, a record, a probation and a line of history fit into a small part of it. */
const ROOM_BYTES = 64 * 1024;

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

  /**
   * That a journal can be written, and what is remembered after it: found out before a release is downloaded, because a
   * state directory that stays full would have it downloaded every minute. Throws `UpdateError`.
   */
  async mustBeWritable(): Promise<void> {
    try {
      await rehearseWrite(this.#path, ROOM_BYTES);
    } catch (error) {
      throw fileTrouble(error, 'setup', `cannot write the state directory ${this.#stateDir}`);
    }
  }

  async remove(): Promise<void> {
    await removeFile(this.#path);
    await syncDirectory(this.#stateDir);
  }

  async moveAside(now: Date): Promise<string> {
    return moveAside(this.#path, now);
  }
}

/** One that was edited by hand must not end every tick from now on. */
export function parseJournal(value: unknown): Journal | undefined {
  if (!hasSchema(value, 'bin-proxy/journal/1') || !hasTexts(value, 'run', 'startedAt')) return undefined;
  const { attempts, changes, services, bootId, failed } = value;
  if (typeof attempts !== 'number' || !(failed === undefined || hasTexts(failed, 'reason', 'fault', 'detail')))
    return undefined;
  if (!(bootId === undefined || isText(bootId))) return undefined;
  const sound = isListOf(changes, isChange) && isListOf(services, isService);
  return sound ? (value as unknown as Journal) : undefined;
}

function isChange(value: unknown): value is JournalChange {
  if (!hasTexts(value, 'name', 'version', 'release', 'reason')) return false;
  if (value['health'] !== undefined && !isHealthCheck(value['health'])) return false;
  return (value['names'] === undefined || isText(value['names'])) && isListOf(value['files'], isFile);
}

function isHealthCheck(value: unknown): value is HealthCheck {
  if (!hasTexts(value, 'kind') || typeof value['timeoutMs'] !== 'number') return false;
  const { kind, url, command } = value;
  return kind === 'http' ? isText(url) && URL.canParse(url) : kind === 'command' && isListOf(command, isText);
}

function isFile(value: unknown): value is JournalFile {
  if (!hasTexts(value, 'target', 'staged', 'next')) return false;
  return value['former'] === undefined || hasTexts(value['former'], 'digest', 'backup');
}

function isService(value: unknown): value is JournalService {
  if (!hasTexts(value, 'service')) return false;
  return isListOf(value['targets'], isText) && isListOf(value['processes'], isProcess);
}

function isProcess(value: unknown): value is JournalProcess {
  return hasTexts(value, 'process', 'before', 'executed');
}
