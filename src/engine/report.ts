import type { Outcome } from '../domain/outcome.ts';
import type { Running } from '../domain/reported.ts';
import { runningAfter } from '../planning/reported.ts';
import type { ActRoles } from './roles.ts';

/** Tells the release server what became of updates, and waits for nobody (invariant 8). */
export async function report(outcomes: readonly Outcome[], roles: ActRoles): Promise<void> {
  for (const outcome of outcomes) roles.reporter.ended(outcome, await provenAfter(outcome, roles));
}

/** Only what is proven is told to run (invariant 3). A record that cannot be read costs names, never the report. */
async function provenAfter(outcome: Outcome, { records }: ActRoles): Promise<Running | undefined> {
  if (outcome.outcome !== 'updated' && outcome.outcome !== 'rolled-back') return undefined;
  const record = await records.read([outcome.name]).then(
    ({ byName }) => byName.get(outcome.name),
    () => undefined,
  );
  return runningAfter(outcome, record);
}
