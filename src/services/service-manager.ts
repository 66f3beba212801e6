import type { LastWords } from '../domain/evidence.ts';
import type { ServiceName } from '../domain/names.ts';
import type { ProcessSample } from '../planning/health.ts';

/** What the service manager knows of one service. */
export type ServiceStatus =
  | { readonly kind: 'known'; readonly processes: readonly [ProcessSample, ...ProcessSample[]] }
  /** It answers, and knows no such name. */
  | { readonly kind: 'unknown' }
  /** This host has no service manager at all: files are updated, nothing is restarted. */
  | { readonly kind: 'unmanaged' };

/** How programs are restarted, and how their state is read. Process names are those that {@link ServiceStatus} gave. */
export interface ServiceManager {
  /**
   * The state of every process of the services, now. Must not change anything. Must tell "knows no such name" from
   * "cannot be asked": the latter throws `UpdateError` `supervisor-unreachable`, within a bounded time.
   */
  inspect(services: readonly ServiceName[]): Promise<ReadonlyMap<ServiceName, ServiceStatus>>;

  /**
   * Finds out whether orders can be carried out at all, which must be known before anything is touched. Must change
   * nothing, and must be repeatable. It may take a while: whoever calls it has other work to do meanwhile. Throws
   * `UpdateError` where it cannot be told what to do, within a bounded time.
   */
  ready(): Promise<void>;

  /**
   * Stops and starts the processes. Must return when the service manager believes that it is done, whether or not they
   * came up: whether they run is judged from samples. Throws `UpdateError` where it cannot be asked.
   */
  restart(processes: readonly string[]): Promise<void>;

  /** Must end automatic restarts too, and must return only when no process runs. Must be repeatable. */
  stop(processes: readonly string[]): Promise<void>;

  /** Must do nothing to a process that runs. As {@link restart}, it promises no success. */
  start(processes: readonly string[]): Promise<void>;

  /**
   * Waits until orders for these processes are done that others have given: one that was killed leaves its order behind,
   * and that may be carried out much later. `busy`: they are not, within a bounded time. Must change nothing, and must
   * never throw.
   */
  settle(processes: readonly string[]): Promise<'settled' | 'busy'>;

  /**
   * When the service manager itself began, as {@link ProcessSample.startTime}: a restart of it restarts every program,
   * and is no program's fault (invariant 5). Must never throw; undefined where it cannot be told.
   */
  startTime(): Promise<string | undefined>;

  /**
   * What the processes printed last, and what the service manager noted of them. For people: must never throw, must end
   * within a bounded time, and may be empty.
   */
  lastWords(processes: readonly string[]): Promise<readonly LastWords[]>;
}
