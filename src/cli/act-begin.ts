import type { Plan } from '../domain/plan.ts';
import { serviceManager } from './compose-services.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Tick } from './tick.ts';

/**
 * The half of a tick that acts. What takes longest to be ready is started first: supervisorctl is a Python, and the rest of
 * this half is loaded while that starts.
 */
export async function beginActing(tick: Tick, plan: Plan): Promise<ExitCode> {
  const restarts = plan.binaries.some(({ entry, decision }) => decision.kind === 'change' && entry.services.length > 0);
  const services = restarts ? await serviceManager(tick.settings, { of: 'orders' }) : undefined;
  const { actTick } = await import('./act-tick.ts');
  return actTick(tick, plan, services);
}
