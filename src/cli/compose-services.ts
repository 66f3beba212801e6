import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../domain/settings.ts';
import { commandPath, type RunCommand, runCommand } from '../platform/command.ts';
import { NoServiceManager } from '../services/none.ts';
import type { ServiceManager } from '../services/service-manager.ts';
import { Supervisor } from '../services/supervisor.ts';
import { supervisorView } from '../services/supervisor-socket.ts';
import { Supervisorctl } from '../services/supervisorctl.ts';

/** supervisor where the host has it; where it has not, nothing is restarted and the outcome says so. */
export async function serviceManager(settings: Settings, run: RunCommand = runCommand): Promise<ServiceManager> {
  for (const directory of commandPath().split(':')) {
    const program = join(directory, 'supervisorctl');
    const found = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return supervisor(program, settings, run);
  }
  return new NoServiceManager();
}

async function supervisor(program: string, { supervisorConf }: Settings, run: RunCommand): Promise<ServiceManager> {
  const ctl = new Supervisorctl(run, supervisorConf);
  return new Supervisor(ctl, await supervisorView(program, supervisorConf, ctl));
}
