import { lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined, removeFile, syncDirectory } from '../platform/files.ts';
import type { Catalog } from './catalog.ts';
import { deltasIn } from './placed-deltas.ts';
import type { Places } from './places.ts';
import { viewsOf } from './settle.ts';

/** What no catalog needs. */
export interface Unneeded {
  /** Directories of answers, as absolute paths. */
  readonly revisions: readonly string[];
  /** Files, as absolute paths. */
  readonly artifacts: readonly string[];
  /** Deltas that come to such files, as absolute paths. */
  readonly deltas: readonly string[];
  /** Bytes of the artifacts and the deltas. */
  readonly size: number;
}

/** What could be removed if these catalogs were all there is. Writes nothing. */
export async function unneeded(places: Places, catalogs: Iterable<Catalog>): Promise<Unneeded> {
  const all = [...catalogs];
  const needed = new Set(
    all.flatMap(({ releases }) => releases.flatMap(({ artifacts }) => artifacts.map(({ sha256 }) => sha256))),
  );
  const present = (await orUndefined(readdir(places.artifacts))) ?? [];
  const artifacts = present.filter((file) => !needed.has(file)).map((file) => places.artifact(file));
  const deltas = (await deltasIn(places)).filter(({ to }) => !needed.has(to)).map(({ file }) => file);
  const files = [...artifacts, ...deltas];
  const sizes = await Promise.all(files.map(async (file) => (await orUndefined(lstat(file)))?.size ?? 0));
  const answered = new Set(all.flatMap((catalog) => viewsOf(catalog).texts.map(({ path }) => dirname(path))));
  const revisions = (await revisionsIn(places)).filter((path) => !answered.has(path)).map((path) => places.view(path));
  return { revisions, artifacts, deltas, size: sizes.reduce((sum, size) => sum + size, 0) };
}

/** The caller holds the lock, and nothing points there any more. */
export async function removeUnneeded(places: Places, { revisions, artifacts, deltas }: Unneeded): Promise<void> {
  const folders = [...revisions, ...new Set(deltas.map((file) => dirname(file)))];
  for (const directory of folders) await rm(directory, { recursive: true, force: true });
  for (const file of artifacts) await removeFile(file);
  const touched = new Set([
    ...folders.map((path) => dirname(path)),
    ...(artifacts.length > 0 ? [places.artifacts] : []),
  ]);
  for (const directory of touched) await syncDirectory(directory);
}

/** `revisions/<name>/<id>`, each. */
async function revisionsIn(places: Places): Promise<readonly string[]> {
  const names = (await orUndefined(readdir(places.view('revisions')))) ?? [];
  const found: string[] = [];
  for (const name of names) {
    const folder = join('revisions', name);
    for (const id of (await orUndefined(readdir(places.view(folder)))) ?? []) found.push(join(folder, id));
  }
  return found;
}
