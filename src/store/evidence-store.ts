import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../domain/errors.ts';
import type { Evidence, LastWords, SeenState } from '../domain/evidence.ts';
import type { HealthSeen } from '../domain/health.ts';
import { orUndefined, removeFile } from '../platform/files.ts';
import { hasSchema, hasTexts, isListOf, isObject, isText, mustBeAllowed, readStateFile } from './json-file.ts';

/** Kept for each binary; older ones make room. */
const KEPT = 5;
/** `<name>.<begun>-<run>.json`: the names of one binary sort by time. */
const FILE_NAME = /^(.+)\.\d{8}T\d{9}Z-[^/]+\.json$/;

/** What is kept of rollbacks, `<state dir>/evidence/`: a file for each binary and transaction. */
export class EvidenceStore {
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#directory = join(stateDir, 'evidence');
  }

  /**
   * Keeps it, and returns its path. A transaction that was taken up again leaves what its first run saw, which is more.
   * One write into a new file: a kill leaves nothing that another run would have to clean up.
   */
  async add(evidence: Evidence): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const begun = evidence.timings.begun.replaceAll(/[-:.]/g, '');
    const path = join(this.#directory, `${evidence.name}.${begun}-${evidence.run}.json`);
    try {
      const handle = await open(path, 'wx', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(evidence, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    for (const old of (await this.#of(evidence.name)).slice(KEPT)) await removeFile(join(this.#directory, old));
    return path;
  }

  /** What is kept of the last rollback of a binary, and where; one that is damaged is passed over. Throws `RunError`. */
  async newest(name: string): Promise<{ readonly path: string; readonly evidence: Evidence } | undefined> {
    for (const file of await this.#of(name)) {
      const path = join(this.#directory, file);
      const read = await readStateFile(path, parse);
      if (read.kind === 'read') return { path, evidence: read.value };
    }
    return undefined;
  }

  /** Newest first. */
  async #of(name: string): Promise<readonly string[]> {
    const names = (await this.#list()) ?? [];
    return names.filter((file) => FILE_NAME.exec(file)?.[1] === name).toSorted((a, b) => (a < b ? 1 : -1));
  }

  async #list(): Promise<readonly string[] | undefined> {
    try {
      return await orUndefined(readdir(this.#directory));
    } catch (error) {
      mustBeAllowed(this.#directory, error);
      throw error;
    }
  }
}

/** Only what is shown to people: a file that was edited by hand must not end the command that shows it. */
function parse(value: unknown): Evidence | undefined {
  if (!hasSchema(value, 'bin-proxy/evidence/1')) return undefined;
  if (!hasTexts(value, 'name', 'run', 'at', 'version', 'release', 'reason', 'fault', 'detail')) return undefined;
  const { timings, states, processes, host, rejected, health } = value;
  const sound =
    isObject(timings) &&
    typeof timings['rollbackSeconds'] === 'number' &&
    isListOf(states, isSeen) &&
    isListOf(processes, isLastWords) &&
    isObject(host) &&
    isListOf(host['disks'], isObject) &&
    isListOf(rejected, isText) &&
    (health === undefined || isListOf(health, isHealthSeen));
  return sound ? (value as unknown as Evidence) : undefined;
}

function isSeen(value: unknown): value is SeenState {
  return hasTexts(value, 'process', 'state', 'detail') && typeof value['seconds'] === 'number';
}

function isHealthSeen(value: unknown): value is HealthSeen {
  return hasTexts(value, 'name', 'health', 'detail') && isListOf(value['said'], isText);
}

function isLastWords(value: unknown): value is LastWords {
  return hasTexts(value, 'process') && ['events', 'stdout', 'stderr'].every((key) => isListOf(value[key], isText));
}
