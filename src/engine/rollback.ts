import { errorText, RunError, UpdateError } from '../domain/errors.ts';
import { type Journal, type JournalProcess, journalFiles, journalProcesses, withProcesses } from '../domain/journal.ts';
import type { Outcome } from '../domain/outcome.ts';
import { processFacts } from '../platform/processes.ts';
import { conclude, type Stuck, type Undone } from './conclude.ts';
import { endJournal, noteInJournal } from './journaling.ts';
import { type FailedProof, prove, unwatched } from './prove.ts';
import type { ActRoles } from './roles.ts';

/**
 * Goes back to the former files and services, from the journal alone (invariant 4), and proves that too (invariant 6).
 * Stop first: supervisord goes on retrying a program that died, and would start the new file while we put the old one
 * back.
 */
export async function rollBack(journal: Journal, why: FailedProof, roles: ActRoles): Promise<readonly Outcome[]> {
  const { trouble } = why;
  const begun = roles.clock.monotonicMs();
  const names = journal.changes.map(({ name }) => name).join(', ');
  roles.log.warn(`${names}: rolling back: ${trouble.message}`);
  const failed = { reason: trouble.reason, fault: trouble.fault, detail: trouble.message };
  // Meanwhile, so that nobody waits for it: the former version will soon write into the same logs.
  const words = roles.services.lastWords((await touchedProcesses(journal)).map(({ process }) => process));
  const undone = await undo({ ...journal, failed }, roles);
  const seconds = (roles.clock.monotonicMs() - begun) / 1000;
  const told = { journal, why, undone, seconds, words: await words };
  const outcomes: Outcome[] = [];
  for (const change of journal.changes) outcomes.push(await conclude(change, told, roles));
  if (undone.kind !== 'stuck') await endJournal(roles);
  return outcomes;
}

async function undo(journal: Journal, roles: ActRoles): Promise<Undone> {
  try {
    // Before the first step back: should this tick die, the release is not started a second time.
    await noteInJournal(journal, roles);
    const names = (await touchedProcesses(journal)).map(({ process }) => process);
    const already = await whatIsThere(journal, roles);
    roles.gate.mayGoOn();
    if (already !== 'former' && names.length > 0) await roles.services.stop(names);
    for (const file of journalFiles(journal)) {
      roles.gate.mayGoOn();
      await roles.installer.restore(file);
    }
    if (names.length === 0) return { kind: 'nothing-touched' };
    roles.gate.mayGoOn();
    await roles.services.start(names);
    return await control(journal, names, roles);
  } catch (error) {
    if (error instanceof RunError) throw error;
    return { kind: 'stuck', detail: errorText(error), leftDown: [] };
  }
}

/** Whether an earlier, interrupted rollback has brought every file back. Throws where one cannot be: nothing is stopped. */
async function whatIsThere(journal: Journal, { installer }: ActRoles): Promise<'former' | 'other'> {
  let found: 'former' | 'other' = 'former';
  for (const file of journalFiles(journal)) {
    const { target, backup } = await installer.inspect(file);
    if (target === file.former?.digest) continue;
    found = 'other';
    if (file.former !== undefined && backup !== 'valid') {
      throw new Error(`the backup ${file.former.backup} is gone or damaged; expected ${file.former.digest}`);
    }
  }
  return found;
}

/** The same measure for the former version as for the new one. */
async function control(journal: Journal, names: readonly string[], roles: ActRoles): Promise<Undone> {
  const touched = journalProcesses(journal).filter(({ process }) => names.includes(process));
  const ranBefore = touched.some(({ before }) => before === 'running');
  const hadNothing = journalFiles(journal).every(({ former }) => former === undefined);
  // supervisord refuses to start a program without a file and leaves it stopped, where it was failing before.
  if (hadNothing) return { kind: 'restored', control: { kind: 'none' }, ranBefore, leftDown: names };
  const proven = await prove(
    withProcesses(journal, ({ process }) => names.includes(process)),
    roles,
  );
  switch (proven.kind) {
    case 'proven':
      return { kind: 'restored', control: { kind: 'healthy' }, ranBefore, leftDown: [] };
    case 'stopped':
      // Whoever stopped it takes it from here: nobody is to blame, and nothing has failed.
      return { kind: 'restored', control: { kind: 'unhealthy', detail: 'stopped' }, ranBefore: false, leftDown: [] };
    case 'failed': {
      const { message: detail } = proven.trouble;
      return { kind: 'restored', control: { kind: 'unhealthy', detail }, ranBefore, leftDown: [] };
    }
  }
}

/** A process that is still the one from before was never restarted, and is left alone. */
export async function touchedProcesses(journal: Journal): Promise<readonly JournalProcess[]> {
  const touched: JournalProcess[] = [];
  for (const process of journalProcesses(journal)) {
    const now = process.pid === undefined ? undefined : await processFacts(process.pid);
    if (now === undefined || now.startTime !== process.startTime) touched.push(process);
  }
  return touched;
}

/** Nothing more can be done without a person. Everything is kept; the journal no longer stands in the way. */
export async function giveUp(journal: Journal, roles: ActRoles): Promise<readonly Outcome[]> {
  const aside = await roles.journal.moveAside(roles.clock.now());
  const detail = journal.failed?.detail ?? `run ${journal.run} ended in the middle of the update`;
  const trouble = new UpdateError({ reason: 'needs-a-human', fault: 'host' }, detail, {
    hint: `What was to be done is kept in ${aside}.`,
  });
  const undone: Stuck = {
    kind: 'stuck',
    detail: 'what lies on disk is neither the former nor the new version, or every try failed',
    // What this program may have stopped is not stopped on purpose: the next release starts it.
    leftDown: (await touchedProcesses(journal)).map(({ process }) => process),
  };
  const words = await roles.services.lastWords(undone.leftDown);
  const told = { journal, why: unwatched(trouble), undone, seconds: 0, words };
  const outcomes: Outcome[] = [];
  for (const change of journal.changes) outcomes.push(await conclude(change, told, roles));
  return outcomes;
}
