import { dirname, join } from 'node:path';
import type { Settings } from '../domain/settings.ts';
import { placeTrouble } from '../platform/file-trouble.ts';
import { makeDirectories, syncDirectory } from '../platform/files.ts';

/** The state directory is needed before anything is touched: without a journal there is no way back. Throws `RunError`. */
export async function prepareState({ stateDir }: Settings): Promise<void> {
  try {
    if ((await makeDirectories(join(stateDir, 'binaries'), 0o700)) === 'there') return;
    for (const directory of [stateDir, dirname(stateDir)]) await syncDirectory(directory);
  } catch (error) {
    throw placeTrouble(error, `cannot use the state directory ${stateDir}`, 'BIN_PROXY_STATE_DIR');
  }
}
