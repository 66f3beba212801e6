import { isDeepStrictEqual } from 'node:util';
import type { MetricFamily } from '../../platform/metrics-text.ts';
import { note } from '../wording.ts';
import { fleetMetrics } from './fleet-metrics.ts';
import type { Host } from './host.ts';
import { Keeper } from './keeper.ts';
import { afterKeepalive, afterProgress, afterVersion, newHost } from './listen.ts';
import type { CatalogReader, Offers } from './offers.ts';
import { type Overview, overviewOf } from './overview.ts';
import { BOUNDS, type Bounds, NoRoomError, Registry } from './registry.ts';
import type { Keepalive, Progress, Speaker, VersionReport } from './reports.ts';
import { type HostStanding, hostStanding } from './standing.ts';

export interface FleetOptions {
  /** Where the state lies, in `hosts.jsonl`; never to be served. */
  readonly directory: string;
  readonly catalog: CatalogReader;
  readonly now: () => Date;
  /** Trouble, for whoever runs the server [stderr]. */
  readonly tell?: (message: string) => void;
  readonly bounds?: Bounds;
}

const EXPIRY_MS = 3_600_000;
/** An overview that takes longer than this is not made for every question... */
const CHEAP_MS = 5;
/** ...but such that it takes no more than this part of the time. */
const SHARE = 10;

interface Latest {
  readonly overview: Overview;
  readonly offers: Offers;
  readonly revision: number;
}

/**
 * Takes up what was known of the hosts. Never throws for what lies in the directory: serving comes first (invariant 8).
 * To be closed, or the last second is lost.
 */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const fleet = new Fleet(options);
  await fleet.begin();
  return fleet;
}

/** What is known of the hosts. What they report is trusted by nobody but the reader of the page. */
export class Fleet {
  readonly now: () => Date;
  readonly #catalog: CatalogReader;
  readonly #tell: (message: string) => void;
  readonly #registry: Registry;
  readonly #keeper: Keeper;
  readonly #expiry: NodeJS.Timeout;
  readonly #reports = { keepalive: 0, progress: 0, version: 0 };
  #latest: Latest | undefined;
  #making: Promise<Overview> | undefined;
  #offers: Offers = new Map();
  #costMs = 0;
  #isFull = false;

  constructor({ directory, catalog, now, tell = note, bounds = BOUNDS }: FleetOptions) {
    this.now = now;
    this.#catalog = catalog;
    this.#keeper = new Keeper(directory, { hosts: () => this.#registry.hosts(), tell, bounds });
    this.#tell = tell;
    this.#registry = new Registry(bounds, (change) => this.#keeper.note(change));
    this.#expiry = setInterval(() => this.#registry.expire(this.#time()), EXPIRY_MS).unref();
  }

  async begin(): Promise<void> {
    const now = this.#time();
    const hosts = await this.#keeper.load();
    // A clock that was wrong once must not keep a dead host alive.
    this.#registry.restore(hosts.map((host) => (host.lastSeen > now ? { ...host, lastSeen: now } : host)));
    this.#registry.expire(now);
    await this.#keeper.begin();
    this.#offers = await this.#catalog.read();
  }

  async close(): Promise<void> {
    clearInterval(this.#expiry);
    await this.#keeper.close();
  }

  /** How many hosts are known. */
  get size(): number {
    return this.#registry.size;
  }

  /** What is known of a host; undefined where nobody of this name or id has reported. */
  find(speaker: Speaker): Host | undefined {
    return this.#registry.get(this.#idOf(speaker) ?? '');
  }

  /** A sign of life that says nothing else. */
  saw(host: Host): Host {
    const seen = { ...host, lastSeen: this.#time() };
    this.#registry.put(seen, 'seen');
    return seen;
  }

  /** Undefined without a name and an id; so are the other reports. All of them throw {@link NoRoomError}. */
  keepalive(speaker: Speaker, report: Keepalive): Host | undefined {
    this.#reports.keepalive += 1;
    return this.#listen(speaker, (host, now) => afterKeepalive(host, report, now));
  }

  progress(speaker: Speaker, report: Progress): Host | undefined {
    this.#reports.progress += 1;
    return this.#listen(speaker, (host, now) => afterProgress(host, report, now));
  }

  version(speaker: Speaker, report: VersionReport): Host | undefined {
    this.#reports.version += 1;
    return this.#listen(speaker, (host, now) => afterVersion(host, report, now));
  }

  /**
   * The whole fleet now. One that takes long, of a hundred thousand hosts that all report, may be some moments old.
   */
  async overview(): Promise<Overview> {
    this.#offers = await this.#catalog.read();
    const now = this.#time();
    const latest = this.#latest;
    if (latest?.offers === this.#offers && now >= latest.overview.at) {
      const age = now - latest.overview.at;
      const isSame = latest.revision === this.#registry.revision && age < 1_000;
      if (isSame || (this.#costMs > CHEAP_MS && age < this.#costMs * SHARE)) return latest.overview;
    }
    this.#making ??= this.#look(now).finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async host(id: string): Promise<HostStanding | undefined> {
    this.#offers = await this.#catalog.read();
    const host = this.#registry.get(id);
    return host && hostStanding(host, this.#offers, this.#time());
  }

  /** What the server's `/metrics` tells of the hosts. */
  async metrics(): Promise<readonly MetricFamily[]> {
    return fleetMetrics(await this.overview(), { reports: this.#reports, hosts: this.size, ...this.#keeper.standing });
  }

  async #look(now: number): Promise<Overview> {
    const offers = this.#offers;
    const begun = performance.now();
    const { revision } = this.#registry;
    const registry = this.#registry;
    const hostOf = (id: string) => registry.get(id);
    const view = { byId: registry.byId(), byName: registry.byName(), hostOf, offers, now };
    const overview = await overviewOf(view, this.#latest?.offers === offers ? this.#latest.overview : undefined);
    this.#costMs = performance.now() - begun;
    this.#latest = { overview, offers, revision };
    return overview;
  }

  #listen(speaker: Speaker, change: (host: Host, now: number) => Host): Host | undefined {
    const id = this.#idOf(speaker);
    if (id === undefined) return undefined;
    const now = this.#time();
    const former = this.#registry.get(id);
    const host = change(former ?? newHost(id, speaker.name ?? id, now), now);
    const isMore = former === undefined || !isSame(former, host);
    this.#put(host, isMore ? 'changed' : 'seen');
    return host;
  }

  /** Throws {@link NoRoomError}, and tells of the first. */
  #put(host: Host, kind: 'changed' | 'seen'): void {
    try {
      this.#registry.put(host, kind);
    } catch (error) {
      if (error instanceof NoRoomError && !this.#isFull) {
        this.#isFull = true;
        const hint = 'NODE_OPTIONS=--max-old-space-size=MIB gives it more.';
        this.#tell(`reports are refused from now on: ${error.message}. ${hint}`);
      }
      throw error;
    }
  }

  #idOf({ id, name }: Speaker): string | undefined {
    return id ?? (name === undefined ? undefined : this.#registry.idOf(name));
  }

  #time(): number {
    return this.now().getTime();
  }
}

/** But for the time at which it was said. */
function isSame(former: Host, host: Host): boolean {
  const said = ({ lastSeen: _, listedAt: __, ...rest }: Host) => rest;
  return isDeepStrictEqual(said(former), said(host));
}
