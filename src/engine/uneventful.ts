import type { Probation } from '../domain/probation.ts';
import { isOver } from '../planning/probation.ts';
import { processFacts } from '../platform/processes.ts';

/** Whether a release on probation needs a closer look. Costs one read of `/proc` a process, and asks nobody. */
export async function isUneventful(probations: readonly Probation[], now: Date): Promise<boolean> {
  for (const probation of probations) {
    if (isOver(probation, now)) return false;
    for (const { pid, startTime } of probation.watched) {
      if ((await processFacts(pid))?.startTime !== startTime) return false;
    }
  }
  return true;
}
