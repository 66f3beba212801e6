import type { Reporter } from './reporter.ts';

/** Where nobody wants to know. */
export class NoReporter implements Reporter {
  begins(): void {}

  ended(): void {}

  settle(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}
