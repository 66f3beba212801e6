import type { BinaryName, VersionName } from '../domain/names.ts';
import { type Catalog, channelOf, LATEST, STABLE, stampText } from './catalog.ts';
import { type Move, promoteIn, withdrawIn } from './catalog-changes.ts';
import type { Invocation } from './command-line.ts';
import { refused } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import { type Session, withSession } from './session.ts';
import { ReleaseStore } from './store.ts';
import { answer, conditionsOf, note } from './wording.ts';

/** `bin-manager promote NAME VERSION --channel C`. */
export async function promoteCommand(invocation: Invocation, signal: AbortSignal): Promise<ExitCode> {
  const { channel = STABLE, version: wanted = LATEST } = invocation;
  const store = new ReleaseStore(invocation.store);
  await withSession(store, conditionsOf(invocation, signal), async (session) => {
    const before = known(session, invocation.name);
    const after = promoteIn(before, wanted, channel);
    await session.commit(after);
    warn(session);
    const [from, to] = [before, after].map((catalog) => channelOf(catalog, channel)?.current);
    const text =
      from === to ? `${channel} of ${after.name} points at ${to} already` : moveText({ channel, to }, after.name, from);
    answer(invocation, [text], { name: after.name, channel, from: from ?? null, to: to ?? null });
  });
  return 0;
}

/** `bin-manager withdraw NAME [VERSION]`. */
export async function withdrawCommand(invocation: Invocation, signal: AbortSignal): Promise<ExitCode> {
  const wanted = invocation.version ?? invocation.channel ?? STABLE;
  const store = new ReleaseStore(invocation.store);
  await withSession(store, conditionsOf(invocation, signal), async (session) => {
    const now = stampText(session.now());
    const { catalog, version, moves } = withdrawIn(known(session, invocation.name), wanted, now);
    await session.commit(catalog);
    warn(session);
    const lines = [
      `${catalog.name} ${version} is withdrawn: it can be had by nobody, and hosts that pinned it keep it`,
      ...moves.map((move) => moveText(move, catalog.name, move.from)),
    ];
    answer(invocation, lines, { name: catalog.name, version, moves });
  });
  return 0;
}

function known(session: Session, name: BinaryName | undefined): Catalog {
  const catalog = session.catalog(name as BinaryName);
  if (catalog.releases.length > 0) return catalog;
  throw refused(`nothing was published as ${name}`, '"bin-manager list" shows what there is.');
}

function warn(session: Session): void {
  for (const warning of session.warnings) note(`warning: ${warning}`);
}

function moveText(
  { channel, to }: Pick<Move, 'channel'> & { to?: VersionName | undefined },
  name: string,
  from?: string,
) {
  if (to === undefined) {
    return `${channel} of ${name}: ${from} -> nothing; there is no former version, so hosts keep what they have`;
  }
  return `${channel} of ${name}: ${from ?? 'nothing'} -> ${to}`;
}
