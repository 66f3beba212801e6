import { errorText, RunError } from '../domain/errors.ts';
import type { Outcome } from '../domain/outcome.ts';
import { reasonText } from '../planning/reported.ts';
import type { Invocation } from './command-line.ts';
import { composeHttp } from './compose-look.ts';
import { exitCodeOfError, exitCodeOfUnexpected } from './exit-codes.ts';
import { type Ended, writeExitCode, writeHostMetrics } from './host-metrics.ts';
import { Ping } from './ping.ts';
import { findWatchers } from './settings-watchers.ts';
import type { Tick } from './tick.ts';
import { logOf } from './tick-log.ts';

const MOST_LINES = 20;

/**
 * Those beside the run who want to know of it: the metrics file and the ping. Loaded only where one of them is set, and
 * never the reason of anything (invariant 8): what goes wrong with them is a line of the log.
 */
export class Around {
  readonly #tick: Tick;
  readonly #ping: Ping | undefined;

  constructor(tick: Tick) {
    this.#tick = tick;
    const { pingUrl } = tick.settings;
    this.#ping = pingUrl === undefined ? undefined : new Ping(pingUrl, tick.half.http);
  }

  /** The run begins to act. Waits for nobody. */
  begin(): void {
    this.#ping?.begin();
  }

  async end({ outcomes, exitCode }: Ended): Promise<void> {
    const troubles = [
      await this.#ping?.end(exitCode, linesOf(outcomes)),
      await this.#writeMetrics({ outcomes, exitCode }),
    ];
    for (const trouble of troubles) if (trouble !== undefined) logOf(this.#tick).warn(trouble);
  }

  async #writeMetrics(ended: Ended): Promise<string | undefined> {
    const { metricsFile } = this.#tick.settings;
    if (metricsFile === undefined) return undefined;
    try {
      await writeHostMetrics(metricsFile, ended, this.#tick);
      return undefined;
    } catch (error) {
      return `cannot write the metrics ${metricsFile}: ${errorText(error)}`;
    }
  }
}

/** A run that ended before it could look. Another one that holds the lock tells of itself. */
export async function tellTrouble({ settings: flags }: Invocation, error: unknown): Promise<void> {
  if (error instanceof RunError && error.code === 'lock-held') return;
  const { metricsFile, pingUrl, ...way } = await findWatchers({ flags, environment: process.env });
  const code = error instanceof RunError ? exitCodeOfError(error.code) : exitCodeOfUnexpected(error);
  // Whoever started the run is told of the error itself; trouble with metrics and ping comes on top of it.
  if (metricsFile !== undefined) await writeExitCode(metricsFile, code).catch(() => undefined);
  if (pingUrl === undefined) return;
  const http = await composeHttp(way).catch(() => undefined);
  if (http !== undefined) await new Ping(pingUrl, http).end(code, [errorText(error)]);
}

/** Nothing of what a program printed (invariant 14). */
function linesOf(outcomes: readonly Outcome[]): readonly string[] {
  const told = outcomes.filter(({ outcome }) => outcome !== 'up-to-date');
  return told.slice(0, MOST_LINES).map((one) => `${one.name}: ${one.outcome}: ${reasonText(one)}`);
}
