import type { BinaryName } from '../domain/names.ts';
import type { Catalog } from './catalog.ts';
import { type Pruned, pruneIn } from './catalog-changes.ts';
import type { Invocation } from './command-line.ts';
import { ManagerError, refused } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { removeUnneeded, type Unneeded, unneeded } from './prune.ts';
import { withSession } from './session.ts';
import { ReleaseStore } from './store.ts';
import { answer, conditionsOf, sizeText } from './wording.ts';

type Catalogs = ReadonlyMap<BinaryName, Catalog>;

/** `bin-manager prune --keep N [NAME]`. */
export async function pruneCommand(invocation: Invocation, signal: AbortSignal): Promise<ExitCode> {
  const store = new ReleaseStore(invocation.store);
  if (invocation.switches.has('dry-run')) {
    const catalogs = await store.catalogs();
    const pruned = pruneAll(catalogs, invocation);
    tell(invocation, pruned, await unneeded(store.places, rest(catalogs, pruned)));
    return 0;
  }
  await withSession(store, conditionsOf(invocation, signal), async (session) => {
    // What a damaged catalog needs is not known, and would be removed.
    session.mustBeWhole();
    const pruned = pruneAll(session.catalogs, invocation);
    for (const { catalog } of pruned) await session.commit(catalog);
    const found = await unneeded(store.places, session.catalogs.values());
    session.mayGoOn();
    await removeUnneeded(store.places, found);
    tell(invocation, pruned, found);
  });
  return 0;
}

function pruneAll(catalogs: Catalogs, { name, keep }: Invocation): readonly Pruned[] {
  if (keep === undefined) throw new ManagerError('usage', 'expected --keep N: how many of the newest versions stay');
  if (name !== undefined && !catalogs.has(name)) {
    throw refused(`nothing was published as ${name}`, '"bin-manager list" shows what there is.');
  }
  const chosen = [...catalogs.values()].filter((catalog) => name === undefined || catalog.name === name);
  return chosen.map((catalog) => pruneIn(catalog, keep)).filter(({ removed }) => removed.length > 0);
}

function rest(catalogs: Catalogs, pruned: readonly Pruned[]): readonly Catalog[] {
  return [...catalogs.values()].map(
    (catalog) => pruned.find((one) => one.catalog.name === catalog.name)?.catalog ?? catalog,
  );
}

function tell(invocation: Invocation, pruned: readonly Pruned[], found: Unneeded): void {
  const { revisions, artifacts, deltas, size } = found;
  const files = artifacts.length + deltas.length;
  const would = invocation.switches.has('dry-run') ? 'would be removed' : 'removed';
  const versions = pruned.flatMap(({ catalog: { name }, removed }) =>
    removed.map(({ version }) => ({ name, version })),
  );
  const lines = [
    ...versions.map(({ name, version }) => `${name} ${version} ${would}`),
    files === 0
      ? 'no bytes that nothing needs'
      : `${files === 1 ? '1 file' : `${files} files`} with ${sizeText(size)} ${would}`,
  ];
  answer(invocation, lines, {
    dryRun: invocation.switches.has('dry-run'),
    versions,
    artifacts: artifacts.length,
    deltas: deltas.length,
    revisions: revisions.length,
    bytes: size,
  });
}
