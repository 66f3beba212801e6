import type { Answer, LittleState } from './little-program.ts';

/** One connection carries one order and its replies, both as JSON. No names: every program; `self` has none. */
export interface Order {
  readonly action: 'status' | 'start' | 'stop' | 'self';
  readonly names: readonly string[];
}

/** About one program, or about the supervisor itself. A `pid` of 0: no process. */
export type Reply =
  | { readonly kind: 'self'; readonly pid: number }
  | { readonly name: string; readonly kind: 'unknown' }
  | { readonly name: string; readonly kind: 'done'; readonly answer: Answer }
  | {
      readonly name: string;
      readonly kind: 'status';
      readonly state: LittleState;
      readonly detail: string;
      readonly pid: number;
    };
