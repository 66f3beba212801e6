import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { digestFromText } from '../domain/digest.ts';
import type { KeptFile } from '../planning/former.ts';
import { orUndefined } from '../platform/files.ts';
import { workshopOf } from './workshop-places.ts';

/** Every kept file of one target whose name says what it is, the newest first. */
export async function keptFiles(target: string, name: string): Promise<readonly KeptFile[]> {
  const backups = await keptIn(workshopOf(target, name).backups, target, 'backup');
  const files = [...backups, ...(await keptIn(factoryOf(target, name), target, 'factory'))];
  return files.toSorted((a, b) => b.changedMs - a.changedMs);
}

/** Apart from the backups: nothing that prunes looks here. */
export function factoryOf(target: string, name: string): string {
  return join(dirname(workshopOf(target, name).staging), 'factory', name);
}

export async function keptIn(directory: string, target: string, kind: KeptFile['kind']): Promise<readonly KeptFile[]> {
  const files: KeptFile[] = [];
  for (const name of (await orUndefined(readdir(directory))) ?? []) {
    if (!name.startsWith(`${basename(target)}.`)) continue;
    const digest = digestFromText(name.slice(basename(target).length + 1).replace('-', ':'));
    const path = join(directory, name);
    // Pruned by a run that is under way.
    const stats = await orUndefined(lstat(path));
    if (digest === undefined || stats?.isFile() !== true) continue;
    files.push({ path, digest, size: stats.size, kind, changedMs: stats.ctimeMs });
  }
  return files;
}
