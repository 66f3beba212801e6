import type { Outcome } from '../domain/outcome.ts';
import type { Reporter } from '../reports/reporter.ts';
import { composeReporter } from './compose-report.ts';
import { reportedBinaries } from './reported-binaries.ts';
import type { Tick } from './tick.ts';

/** The one tick in fifteen that has nothing to do but to tell the release server of this host. */
export async function tellStatus(tick: Tick, outcomes: readonly Outcome[]): Promise<void> {
  const reporter = composeReporter(tick.settings, tick.half.http, 'reports');
  await settleReports(reporter, tick, { when: 'always', outcomes, stop: new AbortController().signal });
}

interface Ending {
  readonly when: 'always' | 'after-a-report' | 'never';
  readonly outcomes: readonly Outcome[];
  readonly stop: AbortSignal;
}

/** Ends the reports of a run. What went wrong with them is one line of the log, and nothing else (invariant 8). */
export async function settleReports(reporter: Reporter, tick: Tick, { when, outcomes, stop }: Ending): Promise<void> {
  const trouble = await reporter.settle({ when, binaries: () => reportedBinaries(tick, outcomes) }, stop);
  if (trouble === undefined) return;
  const { logOf } = await import('./tick-log.ts');
  logOf(tick).warn(`cannot report to ${tick.half.source.label}: ${trouble}`);
}
