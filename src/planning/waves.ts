import type { JournalService } from '../domain/journal.ts';

/** How far a restart has come. */
export interface Restarted {
  /** Processes that have been restarted. */
  readonly done: ReadonlySet<string>;
  /** Those of them that were proven to run the new file. */
  readonly proven: ReadonlySet<string>;
}

/**
 * The processes that are restarted next; none: all have been. Of a whole group (`web:*`) one that runs the managed file
 * goes first, and the others only once it is proven, so that a bad release costs the group one process. Where fewer than
 * two of them run there is nothing to protect.
 */
export function nextWave(services: readonly JournalService[], restarted: Restarted): readonly string[] {
  const wave = new Set(services.flatMap((one) => waveOf(one, restarted)));
  return [...wave];
}

function waveOf({ service, processes }: JournalService, { done, proven }: Restarted): readonly string[] {
  const left = processes.filter(({ process }) => !done.has(process));
  const running = left.filter(({ before }) => before === 'running');
  const first = running.find(({ executed }) => executed === 'target');
  const isFirst = !processes.some(({ process }) => proven.has(process));
  if (service.endsWith(':*') && isFirst && running.length > 1 && first !== undefined) return [first.process];
  return left.map(({ process }) => process);
}
