import { setTimeout as delay } from 'node:timers/promises';
import { RunError } from '../domain/errors.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import { type LockOwner, lockOwner, ownerText } from '../platform/lock-owner.ts';
import { ManagerError } from './errors.ts';

const POLL_MS = 150;

export interface Patience {
  /** How long to wait for another writer, in milliseconds. */
  readonly waitMs: number;
  /** Told once for every writer that is waited for. */
  readonly onWait: (owner: LockOwner) => void;
  /** Ends the waiting, and the taking in of bytes; what is under the lock is short, and is ended. */
  readonly signal?: AbortSignal;
}

/** The right to write to a store. Throws {@link ManagerError} `busy` when the time is up, and `no-permission`. */
export async function waitForLock(file: string, { waitMs, onWait, signal }: Patience): Promise<Lock> {
  const deadline = performance.now() + waitMs;
  let told: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await takeLock(file, new Date(), 'bin-manager');
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      // Its hint names a setting of bin-proxy.
      if (error.code === 'disk-trouble') throw error.cause;
      if (error.code !== 'lock-held') {
        throw new ManagerError('no-permission', error.message, {
          cause: error,
          hint: 'Run as the user that the store belongs to; flock (package util-linux) must be installed.',
        });
      }
      const owner = await lockOwner(file).catch(() => undefined);
      if (performance.now() >= deadline) throw tooLong(waitMs, owner, error);
      if (owner !== undefined && owner.pid !== told) {
        told = owner.pid;
        onWait(owner);
      }
      // Not all of those who wait should ask at the same moment.
      await delay(POLL_MS * (0.5 + Math.random()));
    }
  }
}

function tooLong(waitMs: number, owner: LockOwner | undefined, cause: RunError): ManagerError {
  const by = owner === undefined ? 'another one' : ownerText(owner);
  return new ManagerError('busy', `the store is still being written by ${by}, after ${waitMs / 1000} s`, {
    cause,
    hint: 'Nothing was changed. Try again, or wait longer with --wait.',
  });
}
