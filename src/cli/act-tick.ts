import type { RunError } from '../domain/errors.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Plan } from '../domain/plan.ts';
import { type Acted, act } from '../engine/act.ts';
import { look } from '../engine/look.ts';
import type { Gate, Progress } from '../engine/roles.ts';
import { isChange } from '../planning/transactions.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import type { Log } from '../platform/log.ts';
import type { Reporter } from '../reports/reporter.ts';
import type { ServiceManager } from '../services/service-manager.ts';
import type { Around as Watchers } from './around.ts';
import { composeAct } from './compose-act.ts';
import { composeReporter } from './compose-report.ts';
import { serviceManager } from './compose-services.ts';
import type { ExitCode } from './exit-codes.ts';
import { endIdle, type Told } from './idle-end.ts';
import { sentence } from './report-run.ts';
import { prepareState } from './state-directory.ts';
import { StopSignals } from './stop-signals.ts';
import {
  conclude,
  hasWatchers,
  idleOutcome,
  isStatusDue,
  nothingPending,
  policyOf,
  type Tick,
  tellsServer,
} from './tick.ts';
import { logOf } from './tick-log.ts';
import { settleReports } from './tick-status.ts';

/** The half of a tick that is loaded only when there is something to do, or something to tell. */
export async function actTick(tick: Tick, plan: Plan, services: ServiceManager | undefined): Promise<ExitCode> {
  const log = logOf(tick);
  for (const warning of [...tick.warnings, ...plan.warnings]) log.warn(warning);
  if (!plan.binaries.some(isChange) && (await nothingPending(tick)))
    return endIdle(tick, plan, tell(tick, log, { plan, outcomes: [] }));
  return actLocked(tick, plan, {
    log,
    due: (await isStatusDue(tick, plan)) ? 'now' : 'later',
    lookAgain: () => look(tick.entries, tick.half, policyOf(tick)),
    takeLock: () => takeLock(tick.settings.lockFile, new Date()),
    ...(services !== undefined && { services }),
  });
}

/** How one run acts on its plan. */
export interface Acting {
  readonly log: Log;
  /** Whether the release server is told of the whole host in any case. */
  readonly due: 'now' | 'later';
  /** The plan anew, once the lock is held. */
  readonly lookAgain: () => Promise<Plan>;
  readonly takeLock: () => Promise<Lock>;
  /** Absent: chosen once the lock is held. */
  readonly services?: ServiceManager;
}

/** Everything that is done under the lock, and the reports of it. Throws `RunError` where the lock cannot be had. */
export async function actLocked(tick: Tick, plan: Plan, acting: Acting): Promise<ExitCode> {
  const { log, lookAgain, services } = acting;
  await prepareState(tick.settings);
  const lock = await acting.takeLock();
  const stop = new StopSignals();
  const gate = stop.gate(lock.lost);
  const around = await watchersOf(tick);
  around?.begin();
  const asked = tellsServer(tick, plan) ? 'reports' : 'silence';
  const reporter = composeReporter(tick.settings, tick.half.http, asked);
  try {
    const { outcomes, exitCode } = await underLock(tick, plan, { lock, gate, reporter, log, lookAgain, services });
    // The lock is free again: no other tick waits for a report.
    const when = tick.invocation.names.length > 0 ? 'never' : acting.due === 'now' ? 'always' : 'after-a-report';
    await settleReports(reporter, tick, { when, outcomes, stop: gate.signal });
    await around?.end({ outcomes, exitCode });
    return exitCode;
  } finally {
    stop.dispose();
  }
}

/** Loaded only where there are any. */
async function watchersOf(tick: Tick): Promise<Watchers | undefined> {
  return hasWatchers(tick) ? new (await import('./around.ts')).Around(tick) : undefined;
}

interface Around {
  readonly lock: Lock;
  readonly gate: Gate;
  readonly reporter: Reporter;
  readonly log: Log;
  readonly lookAgain: () => Promise<Plan>;
  readonly services: ServiceManager | undefined;
}

async function underLock(tick: Tick, plan: Plan, { lock, lookAgain, services, ...around }: Around): Promise<Told> {
  try {
    const roles = await composeAct(tick.half, {
      ...around,
      settings: tick.settings,
      services: services ?? (await serviceManager(tick.settings, { of: 'orders' })),
      progress: await progressOf(tick),
      run: tick.run,
      afterRollback: tick.invocation.wishes['keep-going'] === 'yes' ? 'go-on' : 'stop',
    });
    const acted = await act(tick.manifest, lookAgain, roles);
    await tick.half.cache.save();
    const told = tell(tick, around.log, { plan, ...acted });
    // A download that a signal has cut off is over; what has a journal is ended, and told, by the next run.
    const isOver = acted.ended !== undefined && (await tick.half.journal.read()).kind === 'absent';
    const cut = isOver ? told.outcomes.filter((one) => one.outcome === 'failed' && one.reason === 'interrupted') : [];
    for (const one of cut) around.reporter.ended(one, undefined);
    return told;
  } finally {
    await lock.release();
  }
}

/** Every binary gets one outcome: what was done to it, else what the last look says. */
function tell(tick: Tick, log: Log, { plan, outcomes, ended }: Acted & { readonly plan: Plan }): Told {
  const done = new Map(outcomes.map((one) => [one.name, one]));
  const all = plan.binaries.map((binary) => done.get(binary.entry.name) ?? idleOutcome(binary));
  const others = outcomes.filter(({ name }) => !plan.binaries.some(({ entry }) => entry.name === name));
  const told = [...all, ...others];
  for (const one of told) logOutcome(log, one);
  if (ended !== undefined) for (const line of endingLines(ended, outcomes)) log.error(line);
  return { outcomes: told, exitCode: conclude(tick, told, ended) };
}

/** Why the run ended early. What it had done before that is told beside it, so that nobody takes it for nothing. */
function endingLines({ message, hint }: RunError, outcomes: readonly Outcome[]): readonly string[] {
  const before = outcomes.map(({ name, outcome }) => `${name} ${outcome.replace('-', ' ')}`);
  return [
    ...message.split('\n'),
    ...(before.length === 0 ? [] : [`What was done before: ${before.join(', ')}.`]),
    ...(hint === undefined ? [] : [hint]),
  ];
}

function logOutcome(log: Log, one: Outcome): void {
  const line = `${one.name}: ${one.outcome}: ${sentence(one)}${digestsOf(one)}`;
  switch (one.outcome) {
    case 'up-to-date':
      return log.debug(line);
    case 'held':
      return one.reason === 'put-off' ? log.info(line) : log.debug(line);
    case 'updated':
      return log.info(line);
    case 'failed':
    case 'rolled-back':
    case 'rollback-failed':
      return log.warn(line);
  }
}

function digestsOf({ from, to }: Outcome): string {
  return to === undefined ? '' : ` [from ${from ?? 'nothing'} to ${to}]`;
}

/** Only where somebody watches. */
async function progressOf({ invocation, settings }: Tick): Promise<Progress> {
  const watched = process.stderr.isTTY && invocation.volume !== 'quiet' && invocation.output === 'text';
  if (!watched) return { downloading: () => {}, proving: () => {}, idle: () => {} };
  return (await import('./progress.ts')).terminalProgress(settings.stableSeconds);
}
