import type { Outcome } from '../domain/outcome.ts';
import type { ReportedBinary } from '../domain/reported.ts';
import { reportedBinary } from '../planning/reported.ts';
import type { Tick } from './tick.ts';

/** What is told of every binary, to whomever. */
export async function reportedBinaries(
  { half, entries }: Pick<Tick, 'half' | 'entries'>,
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
