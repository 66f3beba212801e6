import { uptime } from 'node:os';
import { errorText, UpdateError } from '../domain/errors.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import { intentOf, type ProcessSample } from '../planning/health.ts';
import type { ServiceManager } from '../services/service-manager.ts';

/** USER_HZ, in which /proc counts start times: 100 on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** One process of a binary's services. */
export interface ServiceProcess {
  readonly process: string;
  readonly state: string;
  /** It is down, and nobody stopped it. */
  readonly failing: 'yes' | 'no';
  readonly pid?: number;
  readonly uptimeSeconds?: number;
  readonly detail: string;
}

export interface ServiceStates {
  /** By binary name. Absent where nobody could be asked. */
  readonly of: ReadonlyMap<string, readonly ServiceProcess[]>;
  /** Services of the manifest that the service manager does not know. */
  readonly unknown: ReadonlyMap<string, readonly string[]>;
  /** Why there is nothing to tell, said once. */
  readonly trouble?: string;
  /** What to do about it, where something can be done. */
  readonly hint?: string;
}

const NONE: ServiceStates = { of: new Map(), unknown: new Map() };

/** Asks the service manager once for all binaries. Trouble with it is part of the answer, not the end of it. */
export async function serviceStates(
  entries: readonly ManifestEntry[],
  services: ServiceManager,
): Promise<ServiceStates> {
  const names = [...new Set(entries.flatMap((entry) => entry.services))];
  if (names.length === 0) return NONE;
  try {
    const statuses = await services.inspect(names);
    if ([...statuses.values()].every(({ kind }) => kind === 'unmanaged'))
      return { ...NONE, trouble: 'this host has no supervisorctl' };
    const up = uptime();
    const of = new Map<string, readonly ServiceProcess[]>();
    const unknown = new Map<string, readonly string[]>();
    for (const entry of entries) {
      const known = entry.services.flatMap((name) => {
        const status = statuses.get(name);
        return status?.kind === 'known' ? status.processes : [];
      });
      of.set(
        entry.name,
        known.map((sample) => processOf(sample, up)),
      );
      const strangers = entry.services.filter((name) => statuses.get(name)?.kind === 'unknown');
      if (strangers.length > 0) unknown.set(entry.name, strangers);
    }
    return { of, unknown };
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    return { ...NONE, trouble: errorText(error), ...(error.hint !== undefined && { hint: error.hint }) };
  }
}

function processOf({ process, state, pid, startTime, detail }: ProcessSample, up: number): ServiceProcess {
  const began = startTime === undefined ? undefined : Number(startTime) / TICKS_PER_SECOND;
  return {
    process,
    state,
    failing: intentOf(state) === 'failing' ? 'yes' : 'no',
    ...(pid !== undefined && { pid }),
    ...(began !== undefined && { uptimeSeconds: Math.max(0, Math.round(up - began)) }),
    detail,
  };
}
