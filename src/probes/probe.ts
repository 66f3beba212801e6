import type { SeenState } from '../domain/evidence.ts';
import type { HealthAnswer, HealthCheck } from '../domain/health.ts';
import type { JournalService } from '../domain/journal.ts';
import type { ProcessSample, Verdict, Window } from '../planning/health.ts';

/** How a watch ended. */
export type Proof =
  | { readonly kind: 'proven'; readonly processes: readonly ProcessSample[] }
  /** Stopped by somebody else while it was watched; `processes` is how far they had come. */
  | { readonly kind: 'stopped'; readonly processes: readonly ProcessSample[] }
  /** `seen` is what the watch saw until then. */
  | (Extract<Verdict, { kind: 'failed' }> & { readonly seen: readonly SeenState[] });

/** A health question about services that were just restarted. */
export interface Probe {
  /**
   * Which of the running processes execute one of the files, also in a descendant (a wrapper) or as a script. Must not
   * change anything. A file replaced since the process started still counts, by its path.
   */
  executing(processes: readonly ProcessSample[], targets: readonly string[]): Promise<ReadonlySet<string>>;

  /**
   * Watches until the services have been up and unchanged for the window, running the files that are live now, or have
   * failed to (invariant 3). Must see a crash loop that is up at every look. Must begin anew where the
   * service manager itself was restarted meanwhile: that is no program's fault (invariant 5). Must end within a bounded
   * time. Throws `UpdateError` where the service manager cannot be asked for longer than a start may take.
   */
  prove(services: readonly JournalService[], window: Window, onWatch: (secondsLeft: number) => void): Promise<Proof>;
}

/** A health question to a program itself, beside whether its processes stay up. */
export interface HealthProbe<C extends HealthCheck> {
  /**
   * Asks once. Must not throw, must end within the time of the check and three seconds, must leave nothing running or
   * open, and must keep no more of what is said than a few lines.
   */
  ask(check: C): Promise<HealthAnswer>;
}
