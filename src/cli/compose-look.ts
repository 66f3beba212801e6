import type { Settings } from '../domain/settings.ts';
import type { LookRoles } from '../engine/look.ts';
import { InPlaceReader } from '../installers/in-place-reader.ts';
import { Http } from '../platform/http.ts';
import { BinManagerSource } from '../sources/bin-manager.ts';
import { Cache } from '../store/cache.ts';
import { JournalStore } from '../store/journal-file.ts';
import { ProbationStore } from '../store/probation-file.ts';
import { RecordStore } from '../store/records.ts';
import { VERSION } from './version.ts';

/** What every tick needs. With `compose-act.ts` the only place that knows the adapters. */
export interface LookHalf extends LookRoles {
  readonly cache: Cache;
  readonly journal: JournalStore;
  readonly probations: ProbationStore;
}

export async function composeLook(settings: Settings): Promise<LookHalf> {
  const { api, token, stateDir } = settings;
  const userAgent = `bin-proxy/${VERSION} (${process.platform}; ${process.arch})`;
  const http = new Http({ userAgent, ...(token !== undefined && { bearer: { origin: api.origin, token } }) });
  const cache = await Cache.open(stateDir);
  return {
    source: new BinManagerSource(api, http),
    reader: new InPlaceReader((path, stats, algorithm) => cache.digest(path, stats, algorithm)),
    records: new RecordStore(stateDir),
    journal: new JournalStore(stateDir),
    probations: new ProbationStore(stateDir),
    cache,
  };
}
