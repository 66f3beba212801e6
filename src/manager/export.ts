import { lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined, readText } from '../platform/files.ts';
import { artifactAddress, indexAnswer } from './answers.ts';
import { type Catalog, LATEST, STABLE, stampText } from './catalog.ts';
import { refused } from './errors.ts';
import { deltasIn } from './placed-deltas.ts';
import { Places } from './places.ts';
import { viewsOf } from './settle.ts';
import type { TextView, Views } from './views.ts';
import { type Made, Workbench } from './workbench.ts';

export interface Exported {
  /** Files that were made or replaced. */
  readonly placed: number;
  /** Files that were right already. */
  readonly kept: number;
  /** Files that the store does not offer (any more), relative to the API's directory. */
  readonly gone: readonly string[];
}

interface BytesView {
  readonly path: string;
  readonly sha256: string;
}
/** What lies at the same place of the store. */
interface DeltaView {
  readonly path: string;
}
/** A file of the export. Paths are relative to the API's directory. */
type Plain = TextView | BytesView | DeltaView;

/**
 * Copies what is offered to plain files with the same addresses, without any symlink: bytes first, then versions, then
 * what points at them, last the index. Each file is replaced by a rename, and only where it is not right already. The
 * caller holds the lock. Throws {@link ManagerError} `refused` for a directory that is something else.
 */
export async function exportStore(
  from: Places,
  catalogs: Iterable<Catalog>,
  { directory, gone }: { readonly directory: string; readonly gone: 'leave' | 'delete' },
): Promise<Exported> {
  const to = new Places(directory);
  await mustBeAnExport(from, to, gone);
  const all = [...catalogs];
  const staging = join(to.store, '.bin-manager-staging');
  await rm(staging, { recursive: true, force: true });
  const bench = new Workbench(staging);
  await bench.directory(staging);
  const views = all.map(viewsOf);
  const artifacts = artifactsOf(views);
  const bytes = [...artifacts, ...(await deltasOf(from, artifacts))];
  const phases = [bytes, views.flatMap(versionFiles), views.flatMap(pointerFiles), await index(from, all)];
  const count: Record<Made, number> = { placed: 0, kept: 0 };
  for (const files of phases) {
    for (const file of files) count[await place(bench, { from, to }, file)] += 1;
    await bench.flush();
  }
  const wanted = new Set(phases.flat().map(({ path }) => path));
  const left = (await filesIn(to.api, '')).filter((path) => !wanted.has(path));
  if (gone === 'delete') await remove(bench, to, left);
  await rm(staging, { recursive: true, force: true });
  return { ...count, gone: left };
}

async function place(bench: Workbench, { from, to }: Record<'from' | 'to', Places>, file: Plain): Promise<Made> {
  const path = to.view(file.path);
  if ('text' in file) return bench.text(path, file.text, file.stamp);
  if (!('sha256' in file)) return bench.bytes(from.view(file.path), path);
  // Where it cannot be linked to the store's file it is copied once, and the others are links to that.
  const source = file.path === artifactAddress(file.sha256) ? from : to;
  return bench.bytes(source.artifact(file.sha256), path);
}

/** Nobody must lose files because of a mistyped directory. */
async function mustBeAnExport(from: Places, to: Places, gone: 'leave' | 'delete'): Promise<void> {
  const isInside = `${to.store}/`.startsWith(`${from.store}/`) || from.store.startsWith(`${to.store}/`);
  if (isInside || (await orUndefined(lstat(to.catalogs))) !== undefined) {
    throw refused(`${to.store} is a release store, or belongs to one`, 'Export to a directory of its own.');
  }
  if (gone === 'leave' || (await filesIn(to.api, '')).length === 0) return;
  if ((await readText(to.index))?.includes('"bin-manager/index/') === true) return;
  throw refused(
    `expected an earlier export at ${to.store}, found other files below ${to.api}`,
    'Without --delete nothing is removed.',
  );
}

function artifactsOf(views: readonly Views[]): readonly BytesView[] {
  const digests = views.flatMap(({ downloads }) => downloads.map(({ target }) => digestIn(target)));
  return [...new Set(digests)].map((sha256) => ({ path: artifactAddress(sha256), sha256 }));
}

async function deltasOf(from: Places, artifacts: readonly BytesView[]): Promise<readonly DeltaView[]> {
  const offered = new Set(artifacts.map(({ sha256 }) => sha256));
  const deltas = (await deltasIn(from)).filter(({ to }) => offered.has(to));
  return deltas.map(({ to, name }) => ({ path: `deltas/${to}/${name}` }));
}

function versionFiles(views: Views): readonly Plain[] {
  return views.versions.flatMap(({ path }) => filesBelow(views, path, path));
}

/** Channels and what leads through the stable one. Of each release the bytes come first, then the digests. */
function pointerFiles(views: Views): readonly Plain[] {
  return views.channels.flatMap(({ path, target }) => {
    const [, channel = '', name = ''] = path.split('/');
    const version = join(dirname(path), target);
    const own = filesBelow(views, version, path);
    if (channel !== STABLE) return own;
    const latest = filesBelow(views, version, `releases/${LATEST}/${name}`);
    const former = [
      renamed(own, `${path}/download`, `download/${name}`),
      renamed(own, `${path}/release.json`, `bins/${name}`),
    ];
    return [...own, ...latest, ...former.flat()];
  });
}

/** What lies behind `releases/<version>/<name>`, as files of another directory. */
function filesBelow({ texts, downloads, versions }: Views, version: string, directory: string): readonly Plain[] {
  const revision = versions.find(({ path }) => path === version)?.target.slice('../../'.length) ?? '';
  const moved = (path: string) => `${directory}${path.slice(revision.length)}`;
  const isBelow = ({ path }: { readonly path: string }) => path.startsWith(`${revision}/`);
  return [
    ...downloads.filter(isBelow).map(({ path, target }) => ({ path: moved(path), sha256: digestIn(target) })),
    ...texts.filter(isBelow).map((text) => ({ ...text, path: moved(text.path) })),
  ];
}

function renamed(files: readonly Plain[], from: string, to: string): readonly Plain[] {
  return files.filter(({ path }) => path === from).map((file) => ({ ...file, path: to }));
}

function digestIn(target: string): string {
  return target.slice(target.lastIndexOf('/') + 1);
}

async function index(from: Places, catalogs: readonly Catalog[]): Promise<readonly Plain[]> {
  const written = await orUndefined(lstat(from.index));
  return [{ path: 'index.json', text: indexAnswer(catalogs), stamp: stampText(written?.mtime ?? new Date(0)) }];
}

/** Every file below a directory; what is a directory itself is looked into, and no symlink is followed. */
async function filesIn(base: string, folder: string): Promise<readonly string[]> {
  const entries = (await orUndefined(readdir(join(base, folder), { withFileTypes: true }))) ?? [];
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesIn(base, path)));
    else found.push(path);
  }
  return found;
}

/** Pointers before bytes, then the directories that are empty now, the deepest first. */
async function remove(bench: Workbench, to: Places, paths: readonly string[]): Promise<void> {
  const order = [...paths].sort((a, b) => Number(a.startsWith('artifacts/')) - Number(b.startsWith('artifacts/')));
  for (const path of order) await bench.remove(to.view(path));
  const folders = new Set(paths.flatMap((path) => ancestors(path)));
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) await bench.removeIfEmpty(to.view(folder));
  await bench.flush();
}

function ancestors(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [parent, ...ancestors(parent)];
}
