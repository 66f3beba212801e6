import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { errorText, UpdateError } from '../domain/errors.ts';
import type { ServiceName } from '../domain/names.ts';
import type { Plan, PlannedBinary } from '../domain/plan.ts';
import { look } from '../engine/look.ts';
import { intentOf } from '../planning/health.ts';
import { savedBinary } from '../planning/saved-plan.ts';
import { isChange } from '../planning/transactions.ts';
import type { ServiceStatus } from '../services/service-manager.ts';
import type { Invocation } from './command-line.ts';
import { serviceManager } from './compose-services.ts';
import type { ExitCode } from './exit-codes.ts';
import { planDocument, type Restart, reportPlan } from './report-plan.ts';
import { beginTick, policyOf, type Tick } from './tick.ts';

/** `bin-proxy plan`, `run --dry-run`: the look half, printed. Changes nothing at all, not even a cache. */
export async function planCommand(invocation: Invocation): Promise<ExitCode> {
  const tick = await beginTick(invocation);
  const plan = await look(tick.entries, tick.half, policyOf(tick));
  const { out } = invocation.wishes;
  if (out !== undefined) await save(resolve(out), plan, tick);
  const todo = out === undefined ? 'bin-proxy run' : `bin-proxy apply ${out}`;
  await showPlan(tick, plan, { source: tick.half.source.label, todo });
  const failed = plan.binaries.flatMap(({ decision }) => (decision.kind === 'fail' ? [decision.reason] : []));
  const asked = plan.binaries.filter(({ decision }) => !(decision.kind === 'leave' && decision.reason === 'held'));
  if (failed.length === 0) return 0;
  return failed.length === asked.length && failed.every((reason) => reason === 'source-unreachable') ? 69 : 20;
}

async function save(file: string, plan: Plan, { invocation, settings }: Tick): Promise<void> {
  const { writeSavedPlan } = await import('../store/saved-plan-file.ts');
  await writeSavedPlan(file, {
    schema: 'bin-proxy/saved-plan/1',
    host: hostname(),
    at: plan.at,
    manifest: settings.manifestFile,
    force: invocation.force,
    now: invocation.wishes['now'] === 'yes' ? 'yes' : 'no',
    binaries: plan.binaries.map(savedBinary),
  });
}

/** Where a plan's releases come from, and the command that carries it out. */
export interface PlanOrigin {
  readonly source: string;
  readonly todo: string;
}

/** Prints a plan, as text or as JSON. */
export async function showPlan(tick: Tick, plan: Plan, { source, todo }: PlanOrigin): Promise<void> {
  const context = {
    source,
    todo,
    manifest: tick.settings.manifestFile,
    warnings: [...tick.warnings, ...plan.warnings],
    unfinished: await unfinishedText(tick),
    ...(tick.settings.maxChanges !== undefined && { maxChanges: tick.settings.maxChanges }),
    restarts: await restarts(plan.binaries.filter(isChange), tick),
  };
  if (tick.invocation.output === 'json')
    tick.out.data(JSON.stringify(planDocument(plan, { ...context, host: hostname() })));
  else reportPlan(plan, context, tick.out);
}

async function unfinishedText({ half }: Tick): Promise<string | undefined> {
  const file = await half.journal.read();
  switch (file.kind) {
    case 'absent':
      return undefined;
    case 'damaged':
      return `The journal of an unfinished update is damaged (${file.why}); the next run moves it aside.`;
    case 'read': {
      const names = file.value.changes.map(({ name }) => name).join(', ');
      return `Run ${file.value.run} left the update of ${names} unfinished; the next run takes it up first.`;
    }
  }
}

/** What a restart would mean now. Reads the service manager only where there is something to restart. */
async function restarts(changes: readonly PlannedBinary[], tick: Tick): Promise<ReadonlyMap<string, Restart>> {
  const names = [...new Set(changes.flatMap(({ entry }) => entry.services))];
  if (names.length === 0) return new Map();
  try {
    const statuses = await (await serviceManager(tick.settings, { of: 'questions' })).inspect(names);
    return new Map(changes.map(({ entry }) => [entry.name, restartOf(entry.services, statuses)]));
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    const restart = { text: '-', trouble: errorText(error) };
    return new Map(changes.filter(({ entry }) => entry.services.length > 0).map(({ entry }) => [entry.name, restart]));
  }
}

function restartOf(services: readonly ServiceName[], statuses: ReadonlyMap<ServiceName, ServiceStatus>): Restart {
  const unknown = services.filter((name) => statuses.get(name)?.kind === 'unknown');
  if (unknown.length > 0) return { text: '-', trouble: `supervisor knows no program "${unknown.join('", "')}"` };
  return { text: services.map((name) => restartText(name, statuses.get(name))).join(', ') || 'none' };
}

function restartText(name: string, status: ServiceStatus | undefined): string {
  if (status?.kind !== 'known') return 'none (no supervisorctl)';
  const stopped = status.processes.filter(({ state }) => intentOf(state) === 'stopped').length;
  if (stopped === 0) return name;
  return stopped === status.processes.length ? `${name} (stopped, stays so)` : `${name} (${stopped} stopped, stay so)`;
}
