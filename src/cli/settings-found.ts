/** A value and where it came from, for messages. */
export interface Found {
  readonly value: string;
  readonly from: string;
  readonly rank: Rank;
}

/** Where a value may come from; the lower number wins. */
export const RANKS = { flag: 0, environment: 1, config: 2, fallback: 3 } as const;
type Rank = keyof typeof RANKS;
