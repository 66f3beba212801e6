import { endianness } from 'node:os';
import { linuxPlatform } from '../domain/platform.ts';
import type { Settings } from '../domain/settings.ts';
import { VERSION } from '../domain/version.ts';
import type { LookRoles } from '../engine/look.ts';
import { InPlaceReader } from '../installers/in-place-reader.ts';
import { Http } from '../platform/http.ts';
import type { Transport } from '../platform/http-request.ts';
import { BinManagerSource } from '../sources/bin-manager.ts';
import { Cache } from '../store/cache.ts';
import { JournalStore } from '../store/journal-file.ts';
import { ProbationStore } from '../store/probation-file.ts';
import { RecordStore } from '../store/records.ts';

/** What every tick needs. With `compose-act.ts` the only place that knows the adapters. */
export interface LookHalf extends LookRoles {
  readonly cache: Cache;
  /** With the credentials of the release server. */
  readonly http: Http;
  readonly journal: JournalStore;
  readonly probations: ProbationStore;
}

export async function composeLook(settings: Settings): Promise<LookHalf> {
  const { api, token, stateDir } = settings;
  const userAgent = `bin-proxy/${VERSION} (${process.platform}; ${process.arch})`;
  const transport = await transportOf(settings);
  const http = new Http({
    userAgent,
    ...(token !== undefined && { bearer: { origin: api.origin, token } }),
    ...(transport !== undefined && { transport }),
  });
  const platform = linuxPlatform(process.arch, endianness());
  const cache = await Cache.open(stateDir);
  return {
    source: new BinManagerSource({ api, platform, memory: cache, now: () => new Date() }, http),
    reader: new InPlaceReader((path, stats, algorithm) => cache.digest(path, stats, algorithm)),
    records: new RecordStore(stateDir),
    journal: new JournalStore(stateDir),
    probations: new ProbationStore(stateDir),
    cache,
    http,
  };
}

/** Node's own fetch will do, and is there already, unless the way needs more. */
async function transportOf({ caFile, proxies }: Settings): Promise<Transport | undefined> {
  if (caFile === undefined && proxies === undefined) return undefined;
  const certificates =
    caFile === undefined
      ? []
      : await (await import('../platform/certificates.ts')).readCertificates(caFile, new Date());
  return (await import('../platform/http-transport.ts')).openTransport({ certificates, proxies });
}
