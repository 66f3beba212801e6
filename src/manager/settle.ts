import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { orUndefined, readText } from '../platform/files.ts';
import { indexAnswer, indexEntries } from './answers.ts';
import { type Catalog, stampText } from './catalog.ts';
import type { Places } from './places.ts';
import { LATEST_LINK, type LinkView, viewsOf as pureViewsOf, type Views } from './views.ts';
import { Workbench } from './workbench.ts';

export function viewsOf(catalog: Catalog): Views {
  return pureViewsOf(catalog, (text) => createHash('sha256').update(text).digest('hex'));
}

/**
 * Makes the views of one binary what its catalog says, from any state in between; `former` is a catalog that they may
 * have been made from. In this order, and each part on disk before the next: answers that nothing points at yet, the
 * versions, the channels, what leads through a channel; last the pointers go that are no more.
 */
export async function settleViews(places: Places, catalog: Catalog, former?: Catalog): Promise<void> {
  const bench = new Workbench(places.staging);
  const views = viewsOf(catalog);
  for (const { path, text, stamp } of views.texts) await bench.text(places.view(path), text, stamp);
  for (const links of [views.downloads, views.versions, views.channels, [...views.names, LATEST_LINK]]) {
    for (const { path, target } of links) await bench.link(places.view(path), target);
    await bench.flush();
  }
  if (former === undefined) return;
  const wanted = new Set(pointers(views).map(({ path }) => path));
  const gone = pointers(viewsOf(former)).filter(({ path }) => !wanted.has(path));
  // What leads through a channel goes first.
  for (const { path } of gone.reverse()) await bench.remove(places.view(path));
  for (const { path } of gone) {
    if (path.startsWith('releases/')) await bench.removeIfEmpty(dirname(places.view(path)));
  }
  await bench.flush();
}

/** Links that say what is offered now. What they lead to, the revisions, stays until it is pruned. */
export function pointers({ versions, channels, names }: Views): readonly LinkView[] {
  return [...versions, ...channels, ...names];
}

export interface IndexOrder {
  readonly catalogs: Iterable<Catalog>;
  /** Names of which the index goes on to say what it has said: their catalogs cannot be understood. */
  readonly kept: ReadonlySet<string>;
  readonly now: Date;
}

/** Writes the index if it offers anything else than before. */
export async function settleIndex(places: Places, { catalogs, kept, now }: IndexOrder): Promise<void> {
  const former = await orUndefined(lstat(places.index));
  const there = former?.isFile() === true ? await readText(places.index) : undefined;
  const text = indexAnswer(catalogs, indexEntries(there ?? '', kept));
  if (there === text) return;
  // Another second than before, and with it another ETag: the size may well be the same.
  const stamp = stampText(new Date(Math.max(now.getTime(), (former?.mtimeMs ?? 0) + 1000)));
  const bench = new Workbench(places.staging);
  await bench.text(places.index, text, stamp);
  await bench.flush();
}
