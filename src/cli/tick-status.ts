import type { Outcome } from '../domain/outcome.ts';
import type { ReportedBinary } from '../domain/reported.ts';
import { reportedBinary } from '../planning/reported.ts';
import type { Reporter } from '../reports/reporter.ts';
import { composeReporter } from './compose-report.ts';
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

async function reportedBinaries(
  { half, entries }: Tick,
  outcomes: readonly Outcome[],
): Promise<readonly ReportedBinary[]> {
  const { byName } = await half.records.read(outcomes.map(({ name }) => name));
  const watched = (await half.probations.read()).flatMap(({ journal }) => journal.changes.map(({ name }) => name));
  const follows = new Map(entries.map(({ name, version }) => [name, version]));
  return outcomes.map((outcome) => {
    const probation = watched.includes(outcome.name) ? 'under-way' : 'none';
    return reportedBinary({ outcome, record: byName.get(outcome.name), probation, follows: follows.get(outcome.name) });
  });
}
