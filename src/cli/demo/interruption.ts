import { RunError } from '../../domain/errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A demo takes an eighth of this; a machine at its limit takes longer. */
const LIMIT_MS = 180_000;

/**
 * Ends the demo on a signal, or when it hangs. More signals are passed over while it cleans up: with `npm start` every
 * Ctrl-C arrives twice, once from the terminal and once from npm.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #timer = setTimeout(() => {
    this.#controller.abort(new Error(`the demo should have ended by itself, and has not after ${LIMIT_MS / 1000} s`));
  }, LIMIT_MS);
  readonly #handler = (signal: NodeJS.Signals) => {
    const code = signal === 'SIGINT' ? 'interrupted' : 'terminated';
    this.#controller.abort(new RunError(code, `ended by ${signal}`, { hint: 'The demo has cleaned up after itself.' }));
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#handler);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const signal of SIGNALS) process.off(signal, this.#handler);
  }
}
