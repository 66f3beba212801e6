import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorText } from '../domain/errors.ts';
import { isBinaryName } from '../domain/names.ts';
import { hashFile, orUndefined, readText } from '../platform/files.ts';
import { lockOwner } from '../platform/lock-owner.ts';
import { indexAnswer } from './answers.ts';
import type { Artifact, Catalog } from './catalog.ts';
import { deltaProblem, deltasIn } from './placed-deltas.ts';
import { pointers, viewsOf } from './settle.ts';
import type { ReleaseStore } from './store.ts';
import { LATEST_LINK, type LinkView, type TextView } from './views.ts';
import { targetOf } from './workbench.ts';

/** Something in the store that is not as it should be. */
export interface Problem {
  /** Relative to the store. */
  readonly path: string;
  readonly found: string;
}

/** Of a change whose former catalog can be understood. */
export const UNENDED = 'a change was not ended; the next one that is made ends it';

const LOOKS = 40;
const LOOK_AGAIN_MS = 250;

/**
 * Compares all that is served with the catalogs. Takes no lock, so it looks again while somebody writes, and reports
 * what two looks have found.
 */
export async function viewProblems(store: ReleaseStore): Promise<readonly Problem[]> {
  let former = '';
  for (let look = 1; ; look++) {
    const problems = await lookAtViews(store);
    const text = JSON.stringify(problems);
    const isLasting = text === former && (await lockOwner(store.places.lock).catch(() => undefined)) === undefined;
    if (problems.length === 0 || isLasting || look === LOOKS) return problems;
    former = text;
    await delay(LOOK_AGAIN_MS);
  }
}

/** Hashes every artifact that a catalog names. */
export async function artifactProblems(store: ReleaseStore, signal: AbortSignal): Promise<readonly Problem[]> {
  const artifacts = new Map<string, Artifact>();
  for (const catalog of (await store.readCatalogs()).sound.values()) {
    for (const artifact of catalog.releases.flatMap((release) => release.artifacts)) {
      artifacts.set(artifact.sha256, artifact);
    }
  }
  const problems: Problem[] = [];
  for (const artifact of artifacts.values()) {
    signal.throwIfAborted();
    const found = await artifactProblem(store.places.artifact(artifact.sha256), artifact);
    if (found !== undefined) problems.push({ path: `api/v1/artifacts/${artifact.sha256}`, found });
  }
  if (problems.length === 0) return [];
  // What was pruned meanwhile is nobody's loss.
  const still = [...(await store.readCatalogs()).sound.values()].flatMap(({ releases }) =>
    releases.flatMap((release) => release.artifacts.map(({ sha256 }) => `api/v1/artifacts/${sha256}`)),
  );
  return problems.filter(({ path }) => still.includes(path));
}

/** Tries every delta. */
export async function deltaProblems({ places }: ReleaseStore, signal: AbortSignal): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const delta of await deltasIn(places)) {
    signal.throwIfAborted();
    const found = await deltaProblem(places, delta, signal);
    if (found !== undefined) problems.push({ path: `api/v1/deltas/${delta.to}/${delta.name}`, found });
  }
  return problems;
}

/** Pointers that no catalog stands for: `releases/<version>/<name>`, `bins/<name>`, `download/<name>`. */
export async function strayPointers(store: ReleaseStore, catalogs: Iterable<Catalog>): Promise<readonly string[]> {
  const { places } = store;
  const wanted = new Set([...catalogs].flatMap((catalog) => pointers(viewsOf(catalog)).map(({ path }) => path)));
  const folders = ((await orUndefined(readdir(places.view('releases'), { withFileTypes: true }))) ?? [])
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join('releases', name));
  const stray: string[] = [];
  for (const folder of [...folders, 'bins', 'download']) {
    for (const name of (await orUndefined(readdir(places.view(folder)))) ?? []) {
      const path = join(folder, name);
      if (!wanted.has(path)) stray.push(path);
    }
  }
  return stray;
}

async function lookAtViews(store: ReleaseStore): Promise<readonly Problem[]> {
  const { places } = store;
  const { sound, damaged } = await store.readCatalogs();
  const problems: (Problem | undefined)[] = [...damaged].map(([name, error]) => ({
    path: `catalog/${name}.json`,
    found: errorText(error),
  }));
  for (const catalog of sound.values()) {
    const { texts, downloads, ...rest } = viewsOf(catalog);
    for (const text of texts) problems.push(await textProblem(places.view(text.path), text));
    for (const link of [...downloads, ...pointers({ texts, downloads, ...rest })]) {
      problems.push(await linkProblem(places.view(link.path), link));
    }
  }
  if (sound.size > 0) problems.push(await linkProblem(places.view(LATEST_LINK.path), LATEST_LINK));
  for (const file of (await orUndefined(readdir(places.unsettled))) ?? []) {
    problems.push({ path: `unsettled/${file}`, found: await unsettledProblem(store, file) });
  }
  // Whatever belongs to a damaged catalog is not known to be wrong.
  if (damaged.size === 0) {
    for (const path of await strayPointers(store, sound.values())) {
      problems.push({ path: `api/v1/${path}`, found: 'answers for something that is not in the catalog' });
    }
    const index = (await readText(places.index)) ?? 'nothing';
    if (sound.size > 0 && index !== indexAnswer(sound.values())) {
      problems.push({ path: 'api/v1/index.json', found: 'does not say what the catalogs say' });
    }
  }
  return problems.filter((problem) => problem !== undefined);
}

/** With a former catalog that cannot be understood nothing more is made of its name. */
async function unsettledProblem(store: ReleaseStore, file: string): Promise<string> {
  const name = file.replace(/\.json$/, '');
  try {
    if (isBinaryName(name)) await store.formerCatalog(name);
    return UNENDED;
  } catch (error) {
    return `a change was not ended, and its former catalog is damaged: ${errorText(error)}`;
  }
}

async function textProblem(path: string, { path: view, text, stamp }: TextView): Promise<Problem | undefined> {
  const stats = await orUndefined(lstat(path));
  const problem = (found: string) => ({ path: `api/v1/${view}`, found });
  if (stats === undefined) return problem('is missing');
  if (!stats.isFile()) return problem('is no regular file');
  if ((await readFile(path, 'utf8')) !== text) return problem(`does not say ${text.trim()}`);
  return stats.mtimeMs === Date.parse(stamp) ? undefined : problem(`was changed at another time than ${stamp}`);
}

async function linkProblem(path: string, { path: view, target }: LinkView): Promise<Problem | undefined> {
  const found = await targetOf(path);
  if (found === target) return undefined;
  return { path: `api/v1/${view}`, found: `leads to ${found ?? 'nothing'}, expected ${target}` };
}

async function artifactProblem(path: string, { size, md5, sha256 }: Artifact): Promise<string | undefined> {
  const stats = await orUndefined(lstat(path));
  if (stats === undefined) return 'is missing';
  if (!stats.isFile()) return 'is no regular file';
  if (stats.size !== size) return `has ${stats.size} bytes, expected ${size}`;
  const [strong, weak] = [await hashFile(path, 'sha256'), await hashFile(path, 'md5')];
  if (strong.hex !== sha256) return `has other bytes: sha256:${strong.hex}`;
  return weak.hex === md5 ? undefined : `has md5:${weak.hex}, the catalog says ${md5}`;
}
