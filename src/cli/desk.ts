import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { RunError } from '../domain/errors.ts';
import type { BinaryRecord } from '../domain/record.ts';
import { placeTrouble } from '../platform/file-trouble.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import { prepareState } from './state-directory.ts';
import type { Tick } from './tick.ts';

/** An update proves for ten seconds, as a rule; a large download takes longer than a person waits. */
const PATIENCE_MS = 60_000;
const POLL_MS = 500;

/** Who gives this word: whoever became root to give it, else the user of this process. */
export function operator(): string {
  const { SUDO_USER: behind } = process.env;
  if (process.geteuid?.() === 0 && behind !== undefined && behind !== '') return behind;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.geteuid?.() ?? '?'}`;
  }
}

/** Takes the lock, and waits for a run that holds it, but not for ever. Throws {@link RunError} `lock-held`. */
export async function waitForLock(file: string): Promise<Lock> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let told = false; ; await delay(POLL_MS)) {
    try {
      return await takeLock(file, new Date());
    } catch (error) {
      if (!(error instanceof RunError) || error.code !== 'lock-held' || performance.now() > deadline) throw error;
      if (!told) process.stderr.write(`${error.message}; waiting for up to ${PATIENCE_MS / 1000} s\n`);
      told = true;
    }
  }
}

/**
 * Changes the records of the binaries that were named, under the lock (invariant 11) and durably. Throws `RunError`
 * where it cannot: an operator's word is kept or refused, never lost.
 */
export async function changeRecords(tick: Tick, change: (record: BinaryRecord) => BinaryRecord): Promise<void> {
  const { settings, half, entries } = tick;
  await prepareState(settings);
  const lock = await waitForLock(settings.lockFile);
  try {
    for (const { name } of entries) await half.records.update(name, new Date(), change);
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw placeTrouble(error, 'cannot write a record', 'BIN_PROXY_STATE_DIR');
  } finally {
    await lock.release();
  }
}
