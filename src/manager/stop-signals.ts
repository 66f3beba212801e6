import { RunError } from '../domain/errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The first signal ends what is not under way yet; the second one ends the program, as `kill -9` does. */
export class StopSignals {
  readonly #controller = new AbortController();
  #onHangUp: (() => void) | undefined;

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#receive);
  }

  /** Aborted with a {@link RunError}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** For a program that stays: from now on SIGHUP does not end it. */
  onHangUp(listener: () => void): void {
    this.#onHangUp = listener;
  }

  // Listeners that remove themselves would not do: the lock's package kills the process when it finds itself alone.
  readonly #receive = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGHUP' && this.#onHangUp !== undefined) return this.#onHangUp();
    if (this.signal.aborted) {
      for (const name of SIGNALS) process.off(name, this.#receive);
      process.kill(process.pid, signal);
    }
    this.#controller.abort(new RunError(signal === 'SIGINT' ? 'interrupted' : 'terminated', `ended by ${signal}`));
  };
}
