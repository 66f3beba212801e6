/** A value and where it came from, for messages. */
export interface Found {
  readonly value: string;
  readonly from: string;
  readonly rank: Rank;
  /** Of a value in the config file: `file:line:col`. */
  readonly place?: string;
}

/** Where a value may come from; the lower number wins. */
export const RANKS = { flag: 0, environment: 1, config: 2, fallback: 3 } as const;
export type Rank = keyof typeof RANKS;
