import type { FailureReason } from './errors.ts';
import type { BinaryName } from './names.ts';

export type ChangeReason = 'not-installed' | 'new-release' | 'drifted' | 'operator-rollback';
export type LeaveReason =
  | 'held'
  | 'left-by-operator'
  | 'quarantined'
  | 'backing-off'
  | 'waiting-for-window'
  | 'waiting-for-dependency';
/** `put-off`: it would have been changed, but not in this run. */
export type HeldReason = LeaveReason | 'put-off';

export type OutcomeKind = 'up-to-date' | 'held' | 'updated' | 'failed' | 'rolled-back' | 'rollback-failed';

/** What became of the services of an updated binary. */
export type ServiceOutcome = 'restarted' | 'left-stopped' | 'not-restarted' | 'none';

interface Common {
  readonly name: BinaryName;
  /** One sentence for a person: what happened and why. */
  readonly detail: string;
  /** What was installed before (`algorithm:hex`), where known. */
  readonly from?: string;
  /** What the source offers (`algorithm:hex`), where known. */
  readonly to?: string;
  readonly version?: string;
  /** RFC 3339 UTC: when it will be tried again, where a time is set. */
  readonly nextAttempt?: string;
  readonly hint?: string;
  /** After a rollback: what the program's logs end with. */
  readonly lastWords?: string;
  /** After a rollback: path of what is kept of it, for root alone. */
  readonly evidence?: string;
}

/** What one tick did about one binary. */
export type Outcome = Common &
  (
    | { readonly outcome: 'up-to-date'; readonly reason: 'up-to-date' }
    | { readonly outcome: 'held'; readonly reason: HeldReason }
    | {
        readonly outcome: 'updated';
        readonly reason: ChangeReason | 'recovered';
        readonly service: ServiceOutcome;
        readonly seconds: number;
      }
    /** `left`: an earlier run has made it live and a later one goes on; absent: nothing was changed. */
    | { readonly outcome: 'failed'; readonly reason: FailureReason; readonly left?: 'unfinished' }
    | { readonly outcome: 'rolled-back'; readonly reason: FailureReason }
    /** `rollbackDetail` is why the former version could not be brought back or proven; `detail` why it had to be. */
    | { readonly outcome: 'rollback-failed'; readonly reason: FailureReason; readonly rollbackDetail: string }
  );
