import { linuxPlatform } from '../domain/platform.ts';
import type { Settings } from '../domain/settings.ts';
import { VERSION } from '../domain/version.ts';
import type { LookRoles } from '../engine/look.ts';
import { InPlaceReader } from '../installers/in-place-reader.ts';
import { os } from '../platform/builtins.ts';
import { Http } from '../platform/http.ts';
import { PlainWay } from '../platform/http-plain.ts';
import type { HttpWay } from '../platform/http-way.ts';
import { BinManagerSource } from '../sources/bin-manager.ts';
import { Cache } from '../store/cache.ts';
import { JournalStore } from '../store/journal-file.ts';
import { ProbationStore } from '../store/probation-file.ts';
import { RecordStore } from '../store/records.ts';
import { StandstillFile } from '../store/standstill-file.ts';

const USER_AGENT = `bin-proxy/${VERSION} (${process.platform}; ${process.arch})`;

/** What every tick needs. With `compose-act.ts` the only place that knows the adapters. */
export interface LookHalf extends LookRoles {
  readonly cache: Cache;
  /** With the credentials of the release server. */
  readonly http: Http;
  readonly journal: JournalStore;
  readonly probations: ProbationStore;
  readonly standstill: StandstillFile;
}

/** `way` is by which way servers are asked, where it is not the one that the settings say. */
export async function composeLook(settings: Settings, way?: HttpWay): Promise<LookHalf> {
  const { api, token, stateDir } = settings;
  const http = new Http({
    userAgent: USER_AGENT,
    ...(token !== undefined && { bearer: { origin: api.origin, token } }),
    way: way ?? (await wayOf(settings)),
  });
  const platform = linuxPlatform(process.arch, () => os().endianness());
  const cache = new Cache(stateDir);
  return {
    source: new BinManagerSource({ api, platform, memory: cache, now: () => new Date() }, http),
    reader: new InPlaceReader((path, stats, algorithm) => cache.digest(path, stats, algorithm)),
    records: new RecordStore(stateDir),
    journal: new JournalStore(stateDir),
    probations: new ProbationStore(stateDir),
    standstill: new StandstillFile(stateDir, () => new Date()),
    cache,
    http,
  };
}

/** For servers that get no credentials. */
export async function composeHttp(settings: Way): Promise<Http> {
  return new Http({ userAgent: USER_AGENT, way: await wayOf(settings) });
}

type Way = Pick<Settings, 'caFile' | 'proxies'>;

/** Straight to the servers, unless a proxy stands between. */
export async function wayOf({ caFile, proxies }: Way): Promise<HttpWay> {
  const secureContext = caFile === undefined ? undefined : await believing(caFile);
  // Over plain http an idle tick needs nothing of node:http.
  const direct = async () => new (await import('../platform/http-direct.ts')).DirectWay(secureContext);
  if (proxies === undefined) return new PlainWay(direct);
  const { openProxyWay } = await import('../platform/http-proxy-way.ts');
  return openProxyWay({ proxies, ...(secureContext !== undefined && { secureContext }) });
}

/** Loaded only where a file is set: reading every root certificate of TLS takes 20 ms. */
export async function believing(caFile: string) {
  const { readCertificates, trusting } = await import('../platform/certificates.ts');
  return trusting(await readCertificates(caFile, new Date()));
}
