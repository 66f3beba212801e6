import type { BinaryName, VersionName } from '../domain/names.ts';
import { readText } from '../platform/files.ts';
import { LATEST, STABLE } from './catalog.ts';
import type { ReleaseStore } from './store.ts';

/** What a channel of a binary really answers now, read from the files that are served: texts by their addresses. */
export async function offeredNow(
  store: ReleaseStore,
  name: BinaryName,
  channel: VersionName,
): Promise<Readonly<Record<string, string>>> {
  const base = `releases/${channel === STABLE ? LATEST : channel}/${name}`;
  const answers: Record<string, string> = {};
  for (const what of ['md5', 'sha256']) {
    const path = `${base}/${what}`;
    answers[path] = ((await readText(store.places.view(path))) ?? 'nothing').trim();
  }
  return answers;
}
