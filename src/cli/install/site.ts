import { dirname, join } from 'node:path';
import { makeDirectories, removeFile, writeDurably } from '../../platform/files.ts';
import { digestAt, textDigest, type Written } from './install-record.ts';
import type { WantedFile } from './installed-files.ts';
import { type Action, judgeFile, judgeRemoval } from './judge.ts';
import { removeOwnFolder } from './own-folder.ts';

/** What dpkg calls the text that it did not write over an edited file. Those who read whole folders pass it over. */
export const OFFERED = '.dpkg-dist';

/** Where files are written, and whether they are or it is only told. */
export interface Site {
  readonly root: string;
  readonly dry: 'yes' | 'no';
}

export interface Done {
  /** On the host, without the root. */
  readonly path: string;
  /** `shared`: a directory of ours that stays, because of what others keep in it. */
  readonly action: Action | 'remove' | 'leave' | 'shared';
  /** Of `shared`: what stays in it. */
  readonly holds?: readonly string[];
}

/** Writes what is missing or of an earlier version. Returns what was done, and what is to be remembered of it. */
export async function writeFiles(
  files: readonly WantedFile[],
  before: Written,
  { root, dry }: Site,
): Promise<{ readonly done: readonly Done[]; readonly written: Map<string, string> }> {
  const done: Done[] = [];
  const written = new Map(before);
  for (const { path, text, mode, kind } of files) {
    const place = join(root, path);
    const wanted = textDigest(text);
    const action = judgeFile({ found: await digestAt(place), written: before.get(path), wanted }, kind);
    done.push({ path, action });
    written.set(path, wanted);
    if (dry === 'yes' || action === 'same' || action === 'keep') continue;
    await makeDirectories(dirname(place), 0o755);
    await writeDurably(action === 'offer' ? place + OFFERED : place, text, mode);
  }
  return { done, written };
}

/** Removes those of these files that were written here and that nobody has edited, and directories that are empty then. */
export async function removeFiles(
  paths: readonly string[],
  before: Written,
  { root, dry }: Site,
): Promise<readonly Done[]> {
  const done: Done[] = [];
  for (const path of paths) {
    const written = before.get(path);
    const place = join(root, path);
    const judged = written === undefined ? 'gone' : judgeRemoval(await digestAt(place), written);
    if (judged === 'gone') continue;
    done.push({ path, action: judged === 'remove' ? 'remove' : 'leave' });
    if (judged === 'remove' && dry === 'no') {
      await removeFile(place);
      await removeOwnFolder(dirname(place));
    }
  }
  return done;
}
