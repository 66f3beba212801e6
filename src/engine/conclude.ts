import { errorText, type Fault } from '../domain/errors.ts';
import { companionsOf, type JournalChange, namesOfRelease } from '../domain/journal.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type Control, faultFromControl } from '../planning/quarantine.ts';
import { type Gathered, keepEvidence } from './evidence.ts';
import { rememberFailure } from './remember.ts';
import type { ActRoles } from './roles.ts';

/** How far a rollback came. */
export type Undone =
  /** No service had been restarted yet, and the files are the former ones. */
  | { readonly kind: 'nothing-touched' }
  /** Files and services are the former ones, and `control` is how those do. */
  | {
      readonly kind: 'restored';
      readonly control: Control;
      readonly ranBefore: boolean;
      readonly leftDown: readonly string[];
    }
  | Stuck;

/** Not everything could be put back: the journal stays for the next tick. */
export interface Stuck {
  readonly kind: 'stuck';
  readonly detail: string;
  readonly leftDown: readonly string[];
}

/** A rollback, as it will be told. */
export interface Story extends Gathered {
  readonly undone: Undone;
}

/** Remembers the verdict, keeps the evidence, tells the history, and says what became of one binary. */
export async function conclude(change: JournalChange, story: Story, roles: ActRoles): Promise<Outcome> {
  const { name, version, release, from } = change;
  const { reason, message: detail, hint } = story.why.trouble;
  const ending = endingOf(story.undone);
  const tried = {
    release: namesOfRelease(change),
    version,
    reason,
    detail,
    fault: faultOf(story),
    companions: companionsOf(story.journal, change),
    ...(change.leaves !== undefined && { leaves: change.leaves }),
  };
  const leftDown = story.undone.kind === 'nothing-touched' ? [] : story.undone.leftDown;
  const begun = story.journal.startedAt;
  const nextAttempt = await rememberFailure({ ...tried, ...ending, name, begun, leftDown }, roles);
  await tellHistory(change, story, roles);
  const evidence = story.undone.kind === 'nothing-touched' ? {} : await keepEvidence(change, story, roles);
  return {
    name,
    reason,
    detail,
    to: release,
    version,
    ...(from !== undefined && { from }),
    ...(hint !== undefined && { hint }),
    ...(nextAttempt !== undefined && { nextAttempt }),
    ...evidence,
    ...ending,
  };
}

async function tellHistory(change: JournalChange, story: Story, { history, clock, log, run }: ActRoles): Promise<void> {
  const { name, version, release: to, from } = change;
  const { reason, message: detail } = story.why.trouble;
  const ending = endingOf(story.undone);
  const seconds = Math.round(story.seconds * 10) / 10;
  const line = { at: clock.now().toISOString(), run, name, ...ending, reason, detail, version, to, seconds };
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
        rollbackDetail: `the former version fails as well: ${health.detail}`,
      };
    }
  }
}

/** Invariant 5. Trouble that is not the release's own (a dead supervisord, a file that cannot be replaced) stays that. */
function faultOf({ why: { trouble }, undone }: Story): Fault {
  if (trouble.fault !== 'release') return trouble.fault === 'setup' ? 'host' : trouble.fault;
  if (undone.kind === 'stuck') return 'host';
  return undone.kind === 'restored' ? faultFromControl(undone.control) : 'release';
}
