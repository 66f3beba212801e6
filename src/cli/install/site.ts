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
  /**
   * `shared`: a directory of ours that stays, because of what others keep in it. `own`: a schedule of the operator's, in
   * the place of ours.
   */
  readonly action: Action | 'remove' | 'leave' | 'shared' | 'own';
  /** Of `shared`: what stays in it. */
  readonly holds?: readonly string[];
}

/** What counts beside that which lies on the host. */
export interface Known {
  readonly before: Written;
  /** Paths that are written also where somebody has deleted them. */
  readonly again: readonly string[];
}

/** Writes what is missing or of an earlier version. Returns what was done, and what is to be remembered of it. */
export async function writeFiles(
  files: readonly WantedFile[],
  { before, again }: Known,
  { root, dry }: Site,
): Promise<{ readonly done: readonly Done[]; readonly written: Map<string, string> }> {
  const done: Done[] = [];
  const written = new Map(before);
  for (const { path, text, mode, kind } of files) {
    const place = join(root, path);
    const wanted = textDigest(text);
    const found = await digestAt(place);
    const isForgotten = found === undefined && again.includes(path);
    const action = judgeFile({ found, written: isForgotten ? undefined : before.get(path), wanted }, kind);
    done.push({ path, action });
    written.set(path, wanted);
    if (dry === 'yes' || action === 'same' || action === 'keep' || action === 'skip') continue;
    await makeDirectories(dirname(place), 0o755);
    await writeDurably(action === 'offer' ? place + OFFERED : place, text, mode);
  }
  return { done, written };
}

/** What is to be remembered: no file of an earlier version, or below an earlier prefix, that is there no more. */
export async function withoutGone(written: Written, wanted: readonly WantedFile[], { root }: Site): Promise<Written> {
  const kept = new Map(written);
  for (const path of written.keys()) {
    const isWanted = wanted.some((one) => one.path === path);
    if (!isWanted && (await digestAt(join(root, path))) === undefined) kept.delete(path);
  }
  return kept;
}

/** Removes the files that still have the text they were written with, and directories that are empty then. */
export async function removeFiles(written: Written, { root, dry }: Site): Promise<readonly Done[]> {
  const done: Done[] = [];
  for (const [path, digest] of written) {
    const place = join(root, path);
    const judged = judgeRemoval(await digestAt(place), digest);
    if (judged === 'gone') continue;
    done.push({ path, action: judged === 'remove' ? 'remove' : 'leave' });
    if (judged === 'remove' && dry === 'no') {
      await removeFile(place);
      await removeOwnFolder(dirname(place));
    }
  }
  return done;
}
