import { RunError } from '../domain/errors.ts';
import type { PlannedBinary } from '../domain/plan.ts';
import { look } from '../engine/look.ts';
import { dependenciesOf } from '../planning/dependencies.ts';
import { EvidenceStore } from '../store/evidence-store.ts';
import type { Invocation } from './command-line.ts';
import { composeDesk } from './compose-desk.ts';
import type { ExitCode } from './exit-codes.ts';
import { type HostView, type SeenBinary, viewHost } from './host-view.ts';
import { type Explained, explainDocument, reportExplained } from './report-explain.ts';
import { beginTick, policyOf, type Tick } from './tick.ts';

/**
 * `bin-proxy explain`: why a binary is or is not updated, what that rests on, and what to do. Asks the server as `plan`
 * does, for these binaries alone; with `--offline`, or where it does not answer, it says what this host knows.
 */
export async function explainCommand(invocation: Invocation): Promise<ExitCode> {
  if (invocation.names.length === 0) throw new RunError('usage', 'explain needs the name of a binary');
  const tick = await beginTick(invocation);
  const desk = await composeDesk(tick.settings);
  const view = await viewHost(tick, desk.kept);
  const planned = invocation.wishes['offline'] === 'yes' ? new Map<string, PlannedBinary>() : await ask(tick, view);
  const store = new EvidenceStore(tick.settings.stateDir);
  const explained: Explained[] = [];
  for (const seen of view.binaries) {
    const evidence = await store.newest(seen.entry.name);
    const plan = planned.get(seen.entry.name);
    explained.push({ seen, ...(plan !== undefined && { plan }), ...(evidence !== undefined && { last: evidence }) });
  }
  const context = { now: view.now, manifest: tick.settings.manifestFile, warnings: view.warnings };
  if (invocation.output === 'json') tick.out.data(JSON.stringify(explainDocument(explained, context)));
  else reportExplained(explained, context, tick.out);
  return 0;
}

/**
 * With the companions of what is in quarantine: it ends when another release of one of them is offered; and with what it
 * depends on.
 */
async function ask(tick: Tick, { binaries }: HostView): Promise<ReadonlyMap<string, PlannedBinary>> {
  const companions = binaries.flatMap(({ record }: SeenBinary) =>
    (record?.quarantine ?? []).flatMap((one) => Object.keys(one.companions)),
  );
  const names = binaries.map(({ entry }) => entry.name);
  const dependencies = dependenciesOf(tick.manifest.entries);
  const needed = names.flatMap((name) => [...(dependencies.get(name) ?? [])]);
  const wanted = new Set<string>([...names, ...companions, ...needed]);
  const entries = tick.manifest.entries.filter(({ name }) => wanted.has(name));
  const plan = await look(entries, tick.half, policyOf(tick));
  return new Map(plan.binaries.map((one) => [one.entry.name, one]));
}
