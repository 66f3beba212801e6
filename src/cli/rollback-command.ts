import { setTimeout as delay } from 'node:timers/promises';
import { RunError } from '../domain/errors.ts';
import type { Plan, ReportsWish } from '../domain/plan.ts';
import { lookBack, type Request } from '../engine/look-back.ts';
import { installedText } from '../planning/decide.ts';
import { actLocked } from './act-tick.ts';
import type { Invocation } from './command-line.ts';
import { composeInstaller } from './compose-act.ts';
import { operator, waitForLock } from './desk.ts';
import type { ExitCode } from './exit-codes.ts';
import { showPlan } from './plan-command.ts';
import { beginTick, conclude, idleOutcome, type Tick } from './tick.ts';
import { logOf } from './tick-log.ts';

/** A server that is down must not keep anybody from going back. */
const WISH_MS = 2_000;

/**
 * `bin-proxy rollback`: back to a version that is kept on this host, as a transaction like any other: proven, and undone
 * where it does not run. Needs no server.
 */
export async function rollbackCommand(invocation: Invocation): Promise<ExitCode> {
  const tick = await beginTick(invocation);
  const plan = await planBack(tick);
  if (invocation.wishes['dry-run'] !== undefined) {
    await showPlan(tick, plan, { source: 'what is kept on this host', todo: commandOf(invocation) });
    return 0;
  }
  if (plan.binaries.every(({ decision }) => decision.kind === 'up-to-date')) {
    return conclude(tick, plan.binaries.map(idleOutcome));
  }
  const { lockFile } = tick.settings;
  return actLocked(
    tick,
    { ...plan, reports: await wishOf(tick) },
    {
      log: logOf(tick),
      due: 'later',
      lookAgain: async () => sameAs(plan, await planBack(tick)),
      takeLock: () => waitForLock(lockFile),
    },
  );
}

async function planBack({ entries, half, invocation }: Tick): Promise<Plan> {
  const [entry] = entries;
  if (entry === undefined) throw new RunError('usage', 'rollback needs the name of a binary');
  const { to } = invocation.wishes;
  const request: Request = {
    by: operator(),
    objections: invocation.force === 'yes' ? 'ignore' : 'respect',
    now: new Date(),
    ...(to !== undefined && { to }),
  };
  const { reader, records } = half;
  return lookBack(entry, request, { reader, records, installer: composeInstaller(reader) });
}

/** Somebody else may have acted while this waited for the lock: what "before" means is then another thing. */
function sameAs(before: Plan, now: Plan): Plan {
  const text = ({ binaries }: Plan) => binaries.map(({ installed }) => installedText(installed)).join();
  if (text(before) === text(now)) return now;
  throw new RunError(
    'refused',
    'another version was installed meanwhile; look at it, and ask again if it is still wanted',
  );
}

/** Whether the server wants to be told, if it says so soon. */
async function wishOf({ half, entries, settings }: Tick): Promise<ReportsWish> {
  if (settings.report !== 'auto') return 'unasked';
  const asked = half.source.ask(entries).then(({ reports }) => reports);
  const late = delay(WISH_MS, 'unasked' as const, { ref: false });
  return Promise.race([asked.catch(() => 'unasked' as const), late]);
}

function commandOf({ names, wishes, force }: Invocation): string {
  const to = wishes['to'] === undefined ? [] : ['--to', wishes['to']];
  return ['bin-proxy rollback', ...names, ...to, ...(force === 'yes' ? ['--force'] : [])].join(' ');
}
