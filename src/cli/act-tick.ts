import { dirname, join } from 'node:path';
import type { Outcome } from '../domain/outcome.ts';
import type { Plan } from '../domain/plan.ts';
import { type Acted, act } from '../engine/act.ts';
import { look } from '../engine/look.ts';
import { isChange } from '../planning/transactions.ts';
import { placeTrouble } from '../platform/file-trouble.ts';
import { makeDirectories, syncDirectory } from '../platform/files.ts';
import { takeLock } from '../platform/lock.ts';
import { type Log, openLog } from '../platform/log.ts';
import { composeAct } from './compose-act.ts';
import type { ExitCode } from './exit-codes.ts';
import { noProgress, terminalProgress } from './progress.ts';
import { sentence } from './report-run.ts';
import { StopSignals } from './stop-signals.ts';
import { conclude, idleOutcome, nothingPending, policyOf, type Tick } from './tick.ts';

/** The half of a tick that is loaded only when there is something to do, or something to tell. */
export async function actTick(tick: Tick, plan: Plan): Promise<ExitCode> {
  const log = logOf(tick);
  for (const warning of [...tick.warnings, ...plan.warnings]) log.warn(warning);
  if (!plan.binaries.some(isChange) && (await nothingPending(tick))) return tell(tick, log, { plan, outcomes: [] });
  await prepareState(tick);
  const lock = await takeLock(tick.settings.lockFile, new Date());
  const stop = new StopSignals();
  try {
    const watched = process.stderr.isTTY && tick.invocation.volume !== 'quiet' && tick.invocation.output === 'text';
    const roles = await composeAct(tick.half, {
      settings: tick.settings,
      log,
      progress: watched ? terminalProgress(tick.settings.stableSeconds) : noProgress,
      gate: stop.gate(lock.lost),
      run: tick.run,
    });
    const lookAgain = () => look(tick.entries, tick.half, policyOf(tick));
    const acted = await act(tick.manifest, lookAgain, roles);
    await tick.half.cache.save();
    return tell(tick, log, { plan, ...acted });
  } finally {
    stop.dispose();
    await lock.release();
  }
}

/** Every binary gets one outcome: what was done to it, else what the last look says. */
function tell(tick: Tick, log: Log, { plan, outcomes, ended }: Acted & { readonly plan: Plan }): ExitCode {
  const done = new Map(outcomes.map((one) => [one.name, one]));
  const all = plan.binaries.map((binary) => done.get(binary.entry.name) ?? idleOutcome(binary));
  const others = outcomes.filter(({ name }) => !plan.binaries.some(({ entry }) => entry.name === name));
  for (const one of [...all, ...others]) logOutcome(log, one);
  if (ended !== undefined) log.error(ended.message);
  return conclude(tick, [...all, ...others], ended);
}

function logOutcome(log: Log, one: Outcome): void {
  const line = `${one.name}: ${one.outcome}: ${sentence(one)}${digestsOf(one)}`;
  switch (one.outcome) {
    case 'up-to-date':
    case 'held':
      return log.debug(line);
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

function logOf({ settings, invocation, run }: Tick): Log {
  const { volume } = invocation;
  const stderr = { quiet: 'error', normal: 'error', verbose: 'info', debug: 'debug' } as const;
  return openLog({
    file: settings.logFile,
    fileLevel: volume === 'debug' ? 'debug' : 'info',
    stderrLevel: stderr[volume],
    run,
  });
}

/** The state directory is needed before anything is touched: without a journal there is no way back. */
async function prepareState({ settings }: Tick): Promise<void> {
  try {
    if ((await makeDirectories(join(settings.stateDir, 'binaries'), 0o700)) === 'there') return;
    for (const directory of [settings.stateDir, dirname(settings.stateDir)]) await syncDirectory(directory);
  } catch (error) {
    throw placeTrouble(error, `cannot use the state directory ${settings.stateDir}`, 'BIN_PROXY_STATE_DIR');
  }
}
