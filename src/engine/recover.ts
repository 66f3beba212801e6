import { UpdateError } from '../domain/errors.ts';
import {
  inBoot,
  type Journal,
  type JournalFile,
  type JournalProcess,
  journalFiles,
  journalProcesses,
} from '../domain/journal.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { ProcessState } from '../planning/health.ts';
import { type FoundFile, recovery } from '../planning/recover.ts';
import { bootId } from '../platform/processes.ts';
import { commit } from './commit.ts';
import { endJournal, noteInJournal } from './journaling.ts';
import { orFailed, unwatched } from './prove.ts';
import type { ActRoles } from './roles.ts';
import { giveUp, rollBack, touchedProcesses } from './rollback.ts';
import { inWaves, statesNow } from './rolling.ts';
import { serviceOutcome } from './transaction.ts';

/** Without a process, or with one that dies again and again. */
const DOWN: ReadonlySet<ProcessState> = new Set(['exited', 'backoff', 'fatal']);

/**
 * Puts right what a dead tick left behind, before anything else is done. A damaged journal is moved aside: what lies at
 * the targets is then judged like any other file.
 */
export async function recover(roles: ActRoles): Promise<readonly Outcome[]> {
  const file = await roles.journal.read();
  if (file.kind === 'absent') return [];
  if (file.kind === 'damaged') {
    const aside = await roles.journal.moveAside(roles.clock.now());
    roles.log.error(`the journal of an unfinished update is damaged (${file.why}); kept as ${aside}`);
    return [];
  }
  const journal = { ...inBoot(file.value, await bootId()), attempts: file.value.attempts + 1 };
  const names = journal.changes.map(({ name }) => name).join(', ');
  if ((await roles.services.settle(journalProcesses(journal).map(({ process }) => process))) === 'busy') {
    // A restart that comes later would look like a crash (invariant 5). This was no try: nothing was judged.
    roles.log.warn(`${names}: run ${journal.run} died, and its supervisorctl is still at work; the next tick goes on`);
    return [];
  }
  roles.log.warn(`${names}: taking up the update that run ${journal.run} left unfinished (try ${journal.attempts})`);
  await noteInJournal(journal, roles);
  const next = recovery(journal, await inspect(journal, roles));
  switch (next) {
    case 'abandon':
      await endJournal(roles);
      return [];
    case 'give-up':
      return giveUp(journal, roles);
    case 'finish':
    case 'undo': {
      const trouble = await withoutOrders(journal, roles);
      if (trouble !== undefined) return wait(file.value, trouble, roles);
      return next === 'finish' ? finish(journal, roles) : rollBack(journal, unwatched(whyUndone(journal)), roles);
    }
  }
}

/** Why its services can be given no orders. After a boot cron may well be there before supervisord is. */
async function withoutOrders(journal: Journal, { services }: ActRoles): Promise<UpdateError | undefined> {
  if (journalProcesses(journal).length === 0) return undefined;
  return (await orFailed(() => services.ready()))?.trouble;
}

/**
 * This was no try either: a release that nobody can look at has not failed (invariant 5), and one that has must still go
 * back once somebody can be asked again, however long that takes.
 */
async function wait(journal: Journal, trouble: UpdateError, roles: ActRoles): Promise<readonly Outcome[]> {
  await noteInJournal(journal, roles);
  const { failed } = journal;
  const { reason, message: detail, hint } = trouble;
  return journal.changes.map(({ name, version, release: to, from }): Outcome => {
    const common = { name, version, to, ...(from !== undefined && { from }), ...(hint !== undefined && { hint }) };
    return failed === undefined
      ? { ...common, outcome: 'failed', reason, detail, left: 'unfinished' }
      : { ...common, outcome: 'rollback-failed', reason: failed.reason, detail: failed.detail, rollbackDetail: detail };
  });
}

async function inspect(journal: Journal, roles: ActRoles): Promise<ReadonlyMap<JournalFile, FoundFile>> {
  const found = new Map<JournalFile, FoundFile>();
  for (const file of journalFiles(journal)) found.set(file, await roles.installer.inspect(file));
  return found;
}

function whyUndone({ failed, run }: Journal): UpdateError {
  return failed === undefined
    ? new UpdateError({ reason: 'interrupted', fault: 'transfer' }, `run ${run} ended in the middle of the update`)
    : new UpdateError({ reason: failed.reason, fault: failed.fault }, failed.detail);
}

/** All files are live: make their services run them, and prove it. */
async function finish(journal: Journal, roles: ActRoles): Promise<readonly Outcome[]> {
  const begun = roles.clock.monotonicMs();
  const failed = await orFailed(() => startOurs(journal, roles));
  if (failed !== undefined) return rollBack(journal, failed, roles);
  const { proven, journal: left } = await inWaves(journal, bringUp, roles);
  if (proven.kind === 'failed') return rollBack(left, proven, roles);
  const seconds = (roles.clock.monotonicMs() - begun) / 1000;
  return commit(left, { service: serviceOutcome(left, proven), seconds, processes: proven.processes }, roles);
}

/**
 * What is stopped and was touched was stopped by the run that died, in whatever wave: what an operator had stopped before
 * it is not in the journal (invariant 7). Whatever is stopped from now on was stopped by somebody else.
 */
async function startOurs(journal: Journal, roles: ActRoles): Promise<void> {
  const touched = await touchedProcesses(journal);
  if (touched.length === 0) return;
  const states = await statesNow(journal, roles);
  const stopped = touched.map(({ process }) => process).filter((process) => states.get(process) === 'stopped');
  roles.gate.mayGoOn();
  if (stopped.length > 0) await roles.services.start(stopped);
}

/**
 * A process that is still the one from before gets its restart, and so does one that was down before and still is: whether
 * it was started since cannot be known, and nothing that runs is disturbed. One that ran and has failed meanwhile is judged,
 * not started again (invariant 5).
 */
async function bringUp(journal: Journal, roles: ActRoles): Promise<void> {
  const processes = journalProcesses(journal);
  const touched = new Set((await touchedProcesses(journal)).map(({ process }) => process));
  const states = await statesNow(journal, roles);
  const isDown = ({ process, before }: JournalProcess) =>
    before === 'failing' && DOWN.has(states.get(process) ?? 'unknown');
  const due = processes.filter((one) => !touched.has(one.process) || isDown(one)).map(({ process }) => process);
  roles.gate.mayGoOn();
  if (due.length > 0) await roles.services.restart(due);
}
