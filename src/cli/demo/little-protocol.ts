import type { Answer, LittleState } from './little-program.ts';

/** One connection carries one order and its replies, both as JSON. No names: every program. */
export interface Order {
  readonly action: 'status' | 'start' | 'stop';
  readonly names: readonly string[];
}

/** About one program. A `pid` of 0: no process. */
export type Reply =
  | { readonly name: string; readonly kind: 'unknown' }
  | { readonly name: string; readonly kind: 'done'; readonly answer: Answer }
  | {
      readonly name: string;
      readonly kind: 'status';
      readonly state: LittleState;
      readonly detail: string;
      readonly pid: number;
    };
