import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../domain/errors.ts';
import type { Evidence } from '../domain/evidence.ts';
import { orUndefined, removeFile } from '../platform/files.ts';

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

  /** Newest first. */
  async #of(name: string): Promise<readonly string[]> {
    const names = (await orUndefined(readdir(this.#directory))) ?? [];
    return names.filter((file) => FILE_NAME.exec(file)?.[1] === name).toSorted((a, b) => (a < b ? 1 : -1));
  }
}
