import { errorText, UpdateError } from '../domain/errors.ts';
import { type Journal, type JournalService, journalFiles, journalProcesses } from '../domain/journal.ts';
import type { ServiceName } from '../domain/names.ts';
import type { Outcome, ServiceOutcome } from '../domain/outcome.ts';
import { remaining } from '../planning/rollout.ts';
import type { PlannedChange, Transaction } from '../planning/transactions.ts';
import { printable } from '../platform/http-trouble.ts';
import { commit } from './commit.ts';
import { downloadOf } from './download.ts';
import { failure } from './failure.ts';
import { askBefore, type Checked, type Staged, withTrustedAnswer } from './health-before.ts';
import { prepare } from './prepare.ts';
import { orFailed, type Proven } from './prove.ts';
import type { ActRoles } from './roles.ts';
import { rollBack } from './rollback.ts';
import { inWaves, type Waved } from './rolling.ts';
import { servicesBefore } from './services-before.ts';

/** Which files belong under a service, over the whole manifest, as real paths. */
export type FilesOf = (service: ServiceName) => Promise<readonly string[]>;

/** Changes that can go on, with the services as they are now. */
interface Ready {
  readonly changes: readonly PlannedChange[];
  readonly services: readonly JournalService[];
}

type Drop = (change: PlannedChange, error: unknown) => Promise<void>;

/**
 * One transaction: read the services, stage, back up, journal, activate, restart, prove, commit; or go back. Everything
 * up to the journal leaves the host as it was. Throws only `RunError` (lock lost, interrupted).
 */
export async function transact(
  transaction: Transaction,
  filesOf: FilesOf,
  roles: ActRoles,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const drop: Drop = async (change, error) => {
    roles.gate.mayBegin();
    outcomes.push(await failure(change, error, roles));
  };
  const first = await ready(transaction, filesOf, { roles, drop });
  const staged = await askBefore(await stage(first, roles, drop), first.services, roles);
  // Download and health may have taken minutes: what the services are like is read again, right before it matters.
  const last = await ready(
    staged.map(({ change }) => change),
    filesOf,
    { roles, drop },
  );
  const chosen = staged
    .filter(({ change }) => last.changes.includes(change))
    .map((one) => withTrustedAnswer(one, first.services, last.services));
  const { go, putOff } = remaining(
    transaction,
    chosen.map(({ change }) => change),
  );
  outcomes.push(...putOff);
  const going = chosen.filter(({ change }) => go.includes(change));
  if (going.length > 0) outcomes.push(...(await goLive(going, last.services, { roles, drop })));
  await tidy(transaction, roles);
  return outcomes;
}

/** Drops the changes whose services cannot be judged: what cannot be proven afterwards must not be changed. */
async function ready(
  changes: readonly PlannedChange[],
  filesOf: FilesOf,
  { roles, drop }: { readonly roles: ActRoles; readonly drop: Drop },
): Promise<Ready> {
  const names = new Set(changes.flatMap(({ entry }) => entry.services));
  const files = new Map(await Promise.all([...names].map(async (name) => [name, await filesOf(name)] as const)));
  try {
    await roles.journal.mustBeWritable();
    const before = await servicesBefore(files, await leftDownOf(changes, roles), roles);
    const usable: PlannedChange[] = [];
    for (const change of changes) {
      const trouble = change.entry.services.map((name) => before.get(name)).find((one) => one?.kind === 'unusable');
      if (trouble === undefined) usable.push(change);
      else await drop(change, trouble.error);
    }
    const wanted = new Set(usable.flatMap(({ entry }) => entry.services));
    const services = [...before].flatMap(([name, one]) =>
      one.kind === 'managed' && wanted.has(name) ? [one.service] : [],
    );
    return { changes: usable, services };
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    for (const change of changes) await drop(change, error);
    return { changes: [], services: [] };
  }
}

async function leftDownOf(changes: readonly PlannedChange[], { records }: ActRoles): Promise<ReadonlySet<string>> {
  const { byName } = await records.read(changes.map(({ entry }) => entry.name));
  return new Set([...byName.values()].flatMap(({ leftDown }) => leftDown ?? []));
}

/**
 * Brings the releases here while it turns out whether services can be given orders, which may take as long. Where they
 * cannot, nothing could go live (invariant 2), and what is still under way is not fetched to its end.
 */
async function stage({ changes, services }: Ready, roles: ActRoles, drop: Drop): Promise<readonly Staged[]> {
  const refused = new AbortController();
  const orders = services.length === 0 ? Promise.resolve() : roles.services.ready();
  const known = orders.catch((error: unknown) => refused.abort(error));
  const gate = { ...roles.gate, signal: AbortSignal.any([roles.gate.signal, refused.signal]) };
  const staged: Staged[] = [];
  for (const change of changes) {
    try {
      staged.push({ change, paths: await stageFiles(change, { ...roles, gate }) });
    } catch (error) {
      await drop(change, refused.signal.aborted ? refused.signal.reason : error);
    }
  }
  roles.progress.idle();
  await known;
  if (!refused.signal.aborted) return staged;
  for (const { change } of staged) await drop(change, refused.signal.reason);
  return [];
}

async function stageFiles(change: PlannedChange, roles: ActRoles): Promise<readonly string[]> {
  const { entry, decision } = change;
  const { installer, gate, log } = roles;
  const paths: string[] = [];
  for (const file of decision.files) {
    gate.mayBegin();
    if (file.kept !== undefined) {
      paths.push(await installer.recall(file.kept, file, entry));
      continue;
    }
    // The query of a signed link is a secret (invariant 14).
    log.info(`${entry.name}: downloading ${printable(new URL(file.artifact.url))}`);
    paths.push(await installer.stage(file, entry, downloadOf(file, change, roles)));
  }
  return paths;
}

/** From here on the host changes. */
async function goLive(
  staged: readonly Checked[],
  services: readonly JournalService[],
  { roles, drop }: { readonly roles: ActRoles; readonly drop: Drop },
): Promise<readonly Outcome[]> {
  const begun = roles.clock.monotonicMs();
  let journal: Journal;
  try {
    journal = await prepare(staged, services, roles);
  } catch (error) {
    for (const { change } of staged) await drop(change, error);
    return [];
  }
  const { proven, journal: left } = await activateAndProve(journal, roles);
  if (proven.kind === 'failed') return rollBack(left, proven, roles);
  const service = serviceOutcome(left, proven);
  const seconds = (roles.clock.monotonicMs() - begun) / 1000;
  return commit(left, { service, seconds, processes: proven.processes }, roles);
}

async function activateAndProve(journal: Journal, roles: ActRoles): Promise<Waved> {
  const failed = await orFailed(async () => {
    for (const file of journalFiles(journal)) {
      roles.gate.mayGoOn();
      await roles.installer.activate(file);
    }
  });
  if (failed !== undefined) return { proven: failed, journal };
  return inWaves(journal, restart, roles);
}

async function restart(wave: Journal, roles: ActRoles): Promise<void> {
  const processes = journalProcesses(wave).map(({ process }) => process);
  roles.gate.mayGoOn();
  roles.log.info(`restarting ${processes.join(', ')}`);
  await roles.services.restart(processes);
}

/** What became of the services of a transaction. */
export function serviceOutcome({ changes, services }: Journal, { kind }: Proven): ServiceOutcome {
  if (changes.every(({ service }) => service === 'none')) return 'none';
  if (services.length === 0) return 'not-restarted';
  if (kind === 'stopped') return 'left-stopped';
  return services.some(({ processes }) => processes.length > 0) ? 'restarted' : 'left-stopped';
}

/** Removes staging and old backups. A transaction that could not be ended keeps everything for the next tick. */
async function tidy(transaction: Transaction, { installer, journal, log }: ActRoles): Promise<void> {
  if ((await journal.read()).kind !== 'absent') return;
  for (const { entry, decision, installed } of transaction) {
    const targets = decision.release.artifacts.map(({ target }, index) => {
      const there = installed[index];
      return there?.kind === 'present' ? there.realPath : target;
    });
    await installer.tidy(targets, entry).catch((error: unknown) => {
      log.warn(`${entry.name}: cannot tidy up: ${errorText(error)}`);
    });
  }
}
