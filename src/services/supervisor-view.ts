import { UpdateError } from '../domain/errors.ts';
import type { ProcessSample } from '../planning/health.ts';

/** One process as supervisord tells of it, without what only the kernel knows. */
export type ToldProcess = Omit<ProcessSample, 'startTime'>;

export type Stream = 'stdout' | 'stderr';

/** A way to ask supervisord. Nothing here changes anything, and all of it ends within a bounded time. */
export interface SupervisorView {
  /** Every process that it knows. Throws `UpdateError` `supervisor-unreachable`. */
  processes(): Promise<readonly ToldProcess[]>;
  /** Its own pid. Must not throw; undefined where it cannot be told. */
  pid(): Promise<number | undefined>;
  /** The last `bytes` of its own log, as lines. Must not throw; none where there is no log. */
  mainLog(bytes: number): Promise<readonly string[]>;
  /** As {@link mainLog}, of what a process printed. */
  log(process: string, stream: Stream, bytes: number): Promise<readonly string[]>;
}

export type Action = 'restart' | 'stop' | 'start';

/** The way to tell supervisord what to do. */
export interface SupervisorControl {
  /** Throws `UpdateError` `supervisor-unreachable` where no order can be given. */
  ready(): Promise<void>;
  /**
   * Returns when supervisord has done what it was told, or could not. Throws `UpdateError` `supervisor-unreachable` where
   * it cannot be told, or the signal ends the wait.
   */
  act(action: Action, processes: readonly string[], signal: AbortSignal): Promise<void>;
}

export function unreachable(asked: string, story: string, cause?: unknown): UpdateError {
  return new UpdateError({ reason: 'supervisor-unreachable', fault: 'setup' }, `${asked}: ${story}`, {
    hint: 'Is supervisord running? "supervisorctl status" must answer; see BIN_PROXY_SUPERVISOR_CONF.',
    ...(cause !== undefined && { cause }),
  });
}
