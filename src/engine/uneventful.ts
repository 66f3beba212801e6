import type { Probation } from '../domain/probation.ts';
import { processFacts } from '../platform/processes.ts';

/** Whether a release on probation needs a closer look. Costs one read of `/proc` a process, and asks nobody. */
export async function isUneventful(probations: readonly Probation[], now: Date): Promise<boolean> {
  for (const { until, watched } of probations) {
    if (now >= new Date(until)) return false;
    for (const { pid, startTime } of watched) {
      if ((await processFacts(pid))?.startTime !== startTime) return false;
    }
  }
  return true;
}
