import type { BinaryName } from './names.ts';

export interface HttpCheck {
  readonly kind: 'http';
  /** http or https, without credentials. */
  readonly url: string;
  /** The one status that is good; absent: 200 to 299. */
  readonly status?: number;
  readonly timeoutMs: number;
}

export interface CommandCheck {
  readonly kind: 'command';
  /** A program and its arguments; exit status 0 is good. */
  readonly command: readonly [string, ...string[]];
  readonly timeoutMs: number;
}

/** A question to a program itself, beside whether its processes stay up. */
export type HealthCheck = HttpCheck | CommandCheck;

export interface HealthAnswer {
  readonly health: 'good' | 'bad';
  /** What was expected and what was found. Holds nothing that the program said (invariant 14). */
  readonly detail: string;
  /** What it said, for root alone: a few lines, each fit for a terminal. */
  readonly said: readonly string[];
}

/** The last answer to a check of one binary. */
export interface HealthSeen extends HealthAnswer {
  readonly name: BinaryName;
  /** Since the watch began. */
  readonly seconds: number;
}
