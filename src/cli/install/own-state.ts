import { lstat, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined, removeFile, TEMPORARY } from '../../platform/files.ts';

/** A file that was moved aside, as `moveAside` names it. */
const DAMAGED = String.raw`(\.damaged-[^/]+)?`;
const STATE = new RegExp(`^((history|standstill)\\.jsonl|(cache|journal|probation|installed)\\.json${DAMAGED})$`);
const DOCUMENT = new RegExp(`^[^/]+\\.json${DAMAGED}$`);
const FOLDERS: readonly string[] = ['binaries', 'evidence'];

/** What lies in a state directory, by its path there. */
export interface StateNames {
  readonly own: readonly string[];
  /** The operator may have pointed BIN_PROXY_STATE_DIR at a directory that others use, too. */
  readonly others: readonly string[];
}

/** Tells by their names (docs/at-3-am.md, "Where things lie") what `bin-proxy` has written into its state directory. */
export async function stateNames(stateDir: string): Promise<StateNames> {
  const [own, others]: [string[], string[]] = [[], []];
  for (const entry of (await orUndefined(readdir(stateDir, { withFileTypes: true }))) ?? []) {
    if (!(entry.isDirectory() && FOLDERS.includes(entry.name))) {
      (entry.isFile() && isOwn(entry.name, STATE) ? own : others).push(entry.name);
      continue;
    }
    for (const inside of await readdir(join(stateDir, entry.name), { withFileTypes: true })) {
      const list = inside.isFile() && isOwn(inside.name, DOCUMENT) ? own : others;
      list.push(join(entry.name, inside.name));
    }
  }
  return { own: own.toSorted(), others: others.toSorted() };
}

/** Removes these files, and each directory that is empty then. */
export async function removeState(stateDir: string, own: readonly string[]): Promise<void> {
  for (const name of own) await removeFile(join(stateDir, name));
  for (const folder of [...FOLDERS.map((name) => join(stateDir, name)), stateDir]) await removeEmpty(folder);
}

/** A link to a directory is left: what it leads to was made by somebody else. */
async function removeEmpty(folder: string): Promise<void> {
  if ((await orUndefined(lstat(folder)))?.isDirectory() !== true) return;
  if ((await readdir(folder)).length === 0) await rmdir(folder);
}

function isOwn(name: string, pattern: RegExp): boolean {
  return pattern.test(name) || TEMPORARY.test(name);
}
