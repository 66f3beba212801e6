import type { Digest } from './digest.ts';

/** What is on disk at one target now. */
export type Installation =
  | { readonly kind: 'absent' }
  /** `realPath` is the file behind a symlinked target: that one is replaced. */
  | { readonly kind: 'present'; readonly digest: Digest; readonly size: number; readonly realPath: string }
  | { readonly kind: 'foreign'; readonly what: string }
  | { readonly kind: 'unreadable'; readonly why: string };
