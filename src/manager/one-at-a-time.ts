import { setTimeout as delay } from 'node:timers/promises';

export interface TurnPatience {
  /** Milliseconds. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/** Lets one work at a time, in the order in which they came. */
export class OneAtATime {
  #last: Promise<void> = Promise.resolve();

  /** Undefined where the turn had not come in time. Throws what `work` throws, and while it waits the signal's AbortError. */
  async run<T>(work: () => Promise<T>, { withinMs, signal }: TurnPatience): Promise<T | undefined> {
    const before = this.#last;
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    // Whoever gives up lets go at once, and the next one waits for those before.
    this.#last = before.then(() => over);
    try {
      const isOurTurn = await Promise.race([before.then(() => true), delay(withinMs, false, { signal, ref: false })]);
      return isOurTurn ? await work() : undefined;
    } finally {
      end();
    }
  }
}
