import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../domain/settings.ts';
import { commandPath, type RunCommand, runCommand } from '../platform/command.ts';
import { NoServiceManager } from '../services/none.ts';
import type { ServiceManager } from '../services/service-manager.ts';
import { Supervisor } from '../services/supervisor.ts';
import { SupervisorSocket, toldServer } from '../services/supervisor-socket.ts';
import { Supervisorctl } from '../services/supervisorctl.ts';

/** What a service manager is wanted for. */
export interface Purpose {
  /** For `orders` it must be able to carry them out, and that is seen before anything is touched. */
  readonly of: 'orders' | 'questions';
  /** No question takes longer, in milliseconds; absent: each as long as it may. */
  readonly patienceMs?: number;
}

/** supervisor where the host has it; where it has not, nothing is restarted and the outcome says so. */
export async function serviceManager(settings: Settings, purpose: Purpose): Promise<ServiceManager> {
  for (const directory of commandPath().split(':')) {
    const program = join(directory, 'supervisorctl');
    const found = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return supervisor(program, settings, purpose);
  }
  return new NoServiceManager();
}

async function supervisor(
  program: string,
  { supervisorConf }: Settings,
  { of, patienceMs = Number.POSITIVE_INFINITY }: Purpose,
): Promise<ServiceManager> {
  const run: RunCommand = (file, args, limits) =>
    runCommand(file, args, { ...limits, timeoutMs: Math.min(limits.timeoutMs, patienceMs) });
  const ctl = new Supervisorctl(run, supervisorConf);
  const server = await toldServer(program, supervisorConf);
  if (server === undefined) return new Supervisor(ctl, ctl);
  if (of === 'orders' && server.prompts) ctl.startAhead();
  return new Supervisor(ctl, new SupervisorSocket(server, ctl, patienceMs));
}
