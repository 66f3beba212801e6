import { lockOwner } from '../platform/lock-owner.ts';
import { schedulesOf } from '../platform/schedule.ts';
import { History } from '../store/history.ts';
import type { Invocation } from './command-line.ts';
import { composeDesk } from './compose-desk.ts';
import type { ExitCode } from './exit-codes.ts';
import { type HostView, viewHost } from './host-view.ts';
import { reportStatus, type StatusContext, statusDocument } from './report-status.ts';
import { type ServiceStates, serviceStates } from './service-states.ts';
import { beginTick } from './tick.ts';

/**
 * `bin-proxy status`: what runs here and how it does, from this host alone. Asks no server, takes no lock, writes
 * nothing. Exits with 21 or 20 where a person is needed, so that a monitor need not read it.
 */
export async function statusCommand(invocation: Invocation): Promise<ExitCode> {
  const tick = await beginTick(invocation);
  const { settings, entries, out } = tick;
  const desk = await composeDesk(settings);
  const [view, services, owner, last] = await Promise.all([
    viewHost(tick, desk.kept),
    serviceStates(entries, desk.services),
    lockOwner(settings.lockFile),
    new History(settings.stateDir).last(),
  ]);
  const context: StatusContext = {
    services,
    schedules: await schedulesOf('bin-proxy', view.now),
    lockFile: settings.lockFile,
    ...(owner !== undefined && { owner }),
    ...(last !== undefined && { last }),
  };
  if (invocation.output === 'json') out.data(JSON.stringify(statusDocument(view, context)));
  else reportStatus(view, context, out);
  return exitCodeOfStatus(view, services);
}

/** What the next tick repairs by itself, and what somebody has decided, needs nobody. */
function exitCodeOfStatus({ binaries }: HostView, services: ServiceStates): ExitCode {
  if (binaries.some(({ standing }) => standing.state === 'rollback-failed')) return 21;
  const isDown = (name: string) => services.of.get(name)?.some(({ failing }) => failing === 'yes') === true;
  return binaries.some(({ entry, standing }) => standing.state === 'unreadable' || isDown(entry.name)) ? 20 : 0;
}
