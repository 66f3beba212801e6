import type { Journal } from './journal.ts';

/** A process that was proven, as it was then. */
export interface WatchedProcess {
  readonly process: string;
  readonly pid: number;
  readonly startTime: string;
}

/**
 * A release that has passed its stability window and is still watched: current, but not yet beyond doubt. Everything
 * that is needed to go back is in its journal, so a later tick in a new process can (invariant 4).
 */
export interface Probation {
  readonly journal: Journal;
  readonly until: string;
  /** A reboot ends every process; that is nobody's fault. */
  readonly bootId: string;
  /** Since it began: what a program answers while it warms up anew says nothing of its release; absent: no reboot. */
  readonly rebooted?: true;
  readonly watched: readonly WatchedProcess[];
  /** How many ticks have found a process that was not the one of the tick before. */
  readonly restarts: number;
  /** How many ticks have found its time over and its health bad; absent: none. */
  readonly unwell?: number;
}
