import { RunError } from '../domain/errors.ts';
import type { Gate } from '../engine/roles.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** How long a transaction that is under way may go on after the signal. */
const GRACE_MS = 30_000;

/**
 * The first signal ends the run at the next safe place: before the first live change at once, after it when the
 * transaction is proven or undone, or when its grace is over. The second one ends it now. Either way the journal lets the
 * next tick put things right.
 */
export class StopSignals {
  readonly #stop = new AbortController();
  readonly #late = new AbortController();
  #grace: NodeJS.Timeout | undefined;
  readonly #handler = (signal: NodeJS.Signals) => this.#receive(signal);

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#handler);
  }

  gate(lost: AbortSignal): Gate {
    const stop = this.#stop.signal;
    const mayGoOn = () => {
      lost.throwIfAborted();
      this.#late.signal.throwIfAborted();
    };
    return {
      signal: AbortSignal.any([lost, stop]),
      mayGoOn,
      mayBegin: () => {
        mayGoOn();
        stop.throwIfAborted();
      },
    };
  }

  dispose(): void {
    clearTimeout(this.#grace);
    for (const signal of SIGNALS) process.off(signal, this.#handler);
  }

  #receive(signal: NodeJS.Signals): void {
    if (this.#stop.signal.aborted) {
      this.dispose();
      process.kill(process.pid, signal);
      return;
    }
    const code = signal === 'SIGINT' ? 'interrupted' : 'terminated';
    this.#stop.abort(new RunError(code, `ended by ${signal}`));
    const left = new RunError(code, `ended by ${signal}; the next run takes up the update that is under way`);
    this.#grace = setTimeout(() => this.#late.abort(left), GRACE_MS);
  }
}
