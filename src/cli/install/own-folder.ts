import { readdir, rmdir } from 'node:fs/promises';
import { basename } from 'node:path';

/** Removes a directory that bears our name and is empty. `/etc/cron.d` stays, empty or not. */
export async function removeOwnFolder(folder: string): Promise<void> {
  if (basename(folder) !== 'bin-proxy') return;
  const names = await readdir(folder).catch(() => undefined);
  if (names?.length === 0) await rmdir(folder);
}
