import { errorText, type Fault, RunError, UpdateError } from '../domain/errors.ts';
import {
  type Journal,
  type JournalChange,
  type JournalProcess,
  journalFiles,
  journalProcesses,
  withProcesses,
} from '../domain/journal.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type Control, faultFromControl } from '../planning/quarantine.ts';
import { processFacts } from '../platform/processes.ts';
import { prove } from './prove.ts';
import { rememberFailure } from './remember.ts';
import type { ActRoles } from './roles.ts';

/** How far a rollback came. */
type Undone =
  /** No service had been restarted yet, and the files are the former ones. */
  | { readonly kind: 'nothing-touched' }
  /** Files and services are the former ones, and `control` is how those do. */
  | {
      readonly kind: 'restored';
      readonly control: Control;
      readonly ranBefore: boolean;
      readonly leftDown: readonly string[];
    }
  /** Not everything could be put back: the journal stays for the next tick. */
  | { readonly kind: 'stuck'; readonly detail: string; readonly leftDown: readonly string[] };

/**
 * Goes back to the former files and services, from the journal alone (invariant 4), and proves that too (invariant 6).
 * Stop first: supervisord goes on retrying a program that died, and would start the new file while we put the old one
 * back.
 */
export async function rollBack(journal: Journal, trouble: UpdateError, roles: ActRoles): Promise<readonly Outcome[]> {
  const begun = roles.clock.monotonicMs();
  const names = journal.changes.map(({ name }) => name).join(', ');
  roles.log.warn(`${names}: rolling back: ${trouble.message}`);
  const failed = { reason: trouble.reason, fault: trouble.fault, detail: trouble.message };
  const undone = await undo({ ...journal, failed }, roles);
  const seconds = (roles.clock.monotonicMs() - begun) / 1000;
  const outcomes: Outcome[] = [];
  for (const change of journal.changes) {
    outcomes.push(await conclude(change, { journal, trouble, undone, seconds }, roles));
  }
  if (undone.kind !== 'stuck') await roles.journal.remove();
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

/**
 * A full disk must not stand in the way of a rename: what cannot be noted is lost should this tick die too, and then the
 * next one judges anew.
 */
export async function noteInJournal(journal: Journal, { journal: store, log }: ActRoles): Promise<void> {
  await store.write(journal).catch((error: unknown) => {
    log.error(`cannot note in the journal how far this came: ${errorText(error)}`);
  });
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
  const undone: Undone = {
    kind: 'stuck',
    detail: 'what lies on disk is neither the former nor the new version, or every try failed',
    // What this program may have stopped is not stopped on purpose: the next release starts it.
    leftDown: (await touchedProcesses(journal)).map(({ process }) => process),
  };
  const outcomes: Outcome[] = [];
  for (const change of journal.changes) {
    outcomes.push(await conclude(change, { journal, trouble, undone, seconds: 0 }, roles));
  }
  return outcomes;
}

interface Story {
  readonly journal: Journal;
  readonly trouble: UpdateError;
  readonly undone: Undone;
  readonly seconds: number;
}

/** Remembers the verdict, tells the history, and says what became of one binary. */
async function conclude(change: JournalChange, story: Story, roles: ActRoles): Promise<Outcome> {
  const { name, version, release, from } = change;
  const { reason, message: detail, hint } = story.trouble;
  const ending = endingOf(story.undone);
  const tried = { release, version, reason, detail, fault: faultOf(story), companions: companionsOf(change, story) };
  const leftDown = story.undone.kind === 'nothing-touched' ? [] : story.undone.leftDown;
  const begun = story.journal.startedAt;
  const nextAttempt = await rememberFailure({ ...tried, name, outcome: ending.outcome, begun, leftDown }, roles);
  await tellHistory(change, story, roles);
  return {
    name,
    reason,
    detail,
    to: release,
    version,
    ...(from !== undefined && { from }),
    ...(hint !== undefined && { hint }),
    ...(nextAttempt !== undefined && { nextAttempt }),
    ...ending,
  };
}

async function tellHistory(change: JournalChange, story: Story, { history, clock, log, run }: ActRoles): Promise<void> {
  const { name, version, release: to, from } = change;
  const { reason, message: detail } = story.trouble;
  const { outcome } = endingOf(story.undone);
  const seconds = Math.round(story.seconds * 10) / 10;
  const line = { at: clock.now().toISOString(), run, name, outcome, reason, detail, version, to, seconds };
  try {
    await history.add(from === undefined ? line : { ...line, from });
  } catch (error) {
    log.error(`${name}: cannot write the history: ${errorText(error)}`);
  }
}

type Ending =
  | { readonly outcome: 'failed' }
  | { readonly outcome: 'rolled-back' }
  | { readonly outcome: 'rollback-failed'; readonly rollbackDetail: string };

/** Invariant 6: what ran before must run again, or the rollback itself has failed. */
function endingOf(undone: Undone): Ending {
  switch (undone.kind) {
    case 'nothing-touched':
      return { outcome: 'failed' };
    case 'stuck':
      return { outcome: 'rollback-failed', rollbackDetail: undone.detail };
    case 'restored': {
      const { control: health, ranBefore } = undone;
      if (health.kind !== 'unhealthy' || !ranBefore) return { outcome: 'rolled-back' };
      return {
        outcome: 'rollback-failed',
        rollbackDetail: `the former version does not stay up either: ${health.detail}`,
      };
    }
  }
}

function companionsOf(change: JournalChange, { journal }: Story): Readonly<Record<string, string>> {
  const others = journal.changes.filter((other) => other !== change);
  return Object.fromEntries(others.map((other) => [other.name, other.release]));
}

/** Invariant 5. Trouble that is not the release's own (a dead supervisord, a file that cannot be replaced) stays that. */
function faultOf({ trouble, undone }: Story): Fault {
  if (trouble.fault !== 'release') return trouble.fault === 'setup' ? 'host' : trouble.fault;
  if (undone.kind === 'stuck') return 'host';
  return undone.kind === 'restored' ? faultFromControl(undone.control) : 'release';
}
