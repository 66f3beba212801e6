import { dirname, join } from 'node:path';
import type { Invocation } from './command-line.ts';
import type { ExitCode } from './exit-codes.ts';
import { unneeded } from './prune.ts';
import { type Session, withSession } from './session.ts';
import { settleViews } from './settle.ts';
import { ReleaseStore } from './store.ts';
import { artifactProblems, deltaProblems, type Problem, strayPointers, UNENDED, viewProblems } from './verify.ts';
import { answer, conditionsOf, sizeText } from './wording.ts';
import { Workbench } from './workbench.ts';

/** `bin-manager verify [--repair]`. Every problem at once; bytes that are lost must be published again. */
export async function verifyCommand(invocation: Invocation, signal: AbortSignal): Promise<ExitCode> {
  const store = new ReleaseStore(invocation.store);
  const look = async () => [...(await viewProblems(store)), ...(await deltaProblems(store, signal))];
  const before = await look();
  const isRepair = invocation.switches.has('repair');
  if (isRepair) await withSession(store, conditionsOf(invocation, signal), (session) => repair(session, before));
  const left = isRepair ? await look() : before;
  const repaired = before.filter(({ path }) => !left.some((one) => one.path === path));
  const problems = [...left, ...(await artifactProblems(store, signal))];
  answer(invocation, [...lines(repaired, problems), ...(await spare(store, problems))], { repaired, problems });
  return problems.length === 0 ? 0 : 78;
}

/** Makes every view anew that is not right, and removes deltas that are damaged, and what answers for nothing. */
async function repair(session: Session, problems: readonly Problem[]): Promise<void> {
  const { places } = session.store;
  for (const catalog of session.catalogs.values()) await settleViews(places, catalog);
  const bench = new Workbench(places.staging);
  for (const { path } of problems.filter(isOfDelta)) await bench.remove(join(places.store, path));
  // Of a name whose catalog is damaged nobody knows what is to be there.
  const stray = session.damaged.size > 0 ? [] : await strayPointers(session.store, session.catalogs.values());
  for (const path of stray) await bench.remove(places.view(path));
  for (const path of stray) {
    if (path.startsWith('releases/')) await bench.removeIfEmpty(dirname(places.view(path)));
  }
  await bench.flush();
  await session.settleIndex();
}

function lines(repaired: readonly Problem[], problems: readonly Problem[]): readonly string[] {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const hint = hintFor(problems);
  return [
    ...repaired.map(({ path, found }) => `repaired: ${path} (${found})`),
    ...problems.map(({ path, found }) => `${path}: ${found}`),
    ...(problems.length === 0 ? ['All bytes and all answers are as the catalog says.'] : [`${count}. ${hint}`]),
  ];
}

function hintFor(problems: readonly Problem[]): string {
  if (problems.some(({ path }) => path.startsWith('catalog/'))) {
    return (
      'Mend the catalog, or bring it back from a backup: until then hosts get what it offered, and its name alone cannot ' +
      'be changed. Without a backup move it away, and publish its releases again.'
    );
  }
  const former = problems.find(({ path, found }) => path.startsWith('unsettled/') && found !== UNENDED);
  if (former !== undefined) {
    return (
      `Remove ${former.path}, and then "bin-manager verify --repair" makes all views anew from the catalog: until then ` +
      'hosts get what they got, and its name alone cannot be changed.'
    );
  }
  if (problems.some(({ path }) => path.startsWith('api/v1/artifacts/'))) {
    return 'Bytes that are lost or damaged come back when the same file is published again.';
  }
  if (problems.every(isOfDelta)) return 'Hosts do without a delta; "bin-manager verify --repair" removes it.';
  return '"bin-manager verify --repair" makes all views anew from the catalog.';
}

function isOfDelta({ path }: Problem): boolean {
  return path.startsWith('api/v1/deltas/');
}

async function spare(store: ReleaseStore, problems: readonly Problem[]): Promise<readonly string[]> {
  if (problems.some(({ path }) => path.startsWith('catalog/'))) return [];
  const { artifacts, deltas, size } = await unneeded(store.places, (await store.catalogs()).values());
  const files = artifacts.length + deltas.length;
  if (files === 0) return [];
  const count = files === 1 ? '1 file' : `${files} files`;
  return [`${count} with ${sizeText(size)} that nothing needs: "bin-manager prune" removes them.`];
}
