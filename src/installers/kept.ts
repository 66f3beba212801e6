import { randomBytes } from 'node:crypto';
import { link, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { digestText } from '../domain/digest.ts';
import { UpdateError } from '../domain/errors.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { FileChange } from '../domain/plan.ts';
import type { RunCommand } from '../platform/command.ts';
import { fileTrouble } from '../platform/file-trouble.ts';
import { makeDirectories, removeFile, syncDirectory } from '../platform/files.ts';
import { factoryOf, keptIn } from './kept-files.ts';
import { mustPassCheck, mustRunHere } from './preflight.ts';
import { digestAt, linkOver, openWorkshop } from './workshop.ts';
import { workshopOf } from './workshop-places.ts';

/** Gives a backup a second name that is never pruned, unless there is such a file already. */
export async function adopt(backup: string, target: string, name: string): Promise<void> {
  const factory = factoryOf(target, name);
  if ((await keptIn(factory, target, 'factory')).length > 0) return;
  try {
    await makeDirectories(factory, 0o700);
    await linkOver(backup, join(factory, basename(backup)), workshopOf(target, name).staging);
    for (const directory of [factory, dirname(factory), dirname(dirname(factory))]) await syncDirectory(directory);
  } catch (error) {
    throw fileTrouble(error, 'host', `cannot keep ${target} for good`);
  }
}

interface Recalled {
  readonly change: FileChange;
  readonly entry: ManifestEntry;
  readonly run: RunCommand;
}

/**
 * A second name of the kept file itself, with the mode, owner and attributes with which it once ran. A copy would need
 * room, and a full disk is a reason to go back.
 */
export async function recall(kept: string, target: string, { change, entry, run }: Recalled): Promise<string> {
  const { staging } = await openWorkshop(target, entry.name);
  const staged = join(staging, `${entry.name}.${randomBytes(6).toString('hex')}`);
  try {
    await mustBeSound(kept, digestText(change.artifact.digest));
    await link(kept, staged);
    const handle = await open(staged, 'r');
    try {
      await mustRunHere(handle);
    } finally {
      await handle.close();
    }
    await syncDirectory(staging);
    const former = change.installed.kind === 'present' ? change.installed.realPath : undefined;
    if (entry.check !== undefined) await mustPassCheck(entry.check, { staged, former }, run);
    return staged;
  } catch (error) {
    await removeFile(staged);
    throw error instanceof UpdateError ? error : fileTrouble(error, 'setup', `cannot recall ${kept}`);
  }
}

/** A kept file is the only one of its kind: it is refused, and left as it is for whoever wants to look. */
async function mustBeSound(kept: string, expected: string): Promise<void> {
  const found = await digestAt(kept, expected);
  if (found === expected) return;
  throw new UpdateError(
    { reason: 'digest-mismatch', fault: 'setup' },
    `${kept} is damaged: expected ${expected}, found ${found ?? 'no file'}`,
    { hint: 'Go back to another version: "bin-proxy rollback NAME --to ?" lists what is kept.' },
  );
}
