import { lstat, readlink, stat } from 'node:fs/promises';
import { errorText } from '../../domain/errors.ts';
import type { BinaryName, VersionName } from '../../domain/names.ts';
import { orUndefined } from '../../platform/files.ts';
import { fingerprint } from '../../platform/fingerprint.ts';
import { type Catalog, findRelease, publishedAt, STABLE } from '../catalog.ts';
import { ManagerError } from '../errors.ts';
import type { ReleaseStore } from '../store.ts';

/** What a channel of a binary points at. */
export interface Offer {
  readonly channel: VersionName;
  readonly version: VersionName;
  /** Since when, in milliseconds. */
  readonly since: number;
  /** Of the artifacts for all platforms, md5 and sha256: lower-case hex. */
  readonly digests: ReadonlySet<string>;
}

/** One binary, as hosts could have it. */
export interface OfferedBinary {
  readonly name: BinaryName;
  /** `stable` first. */
  readonly offers: readonly Offer[];
  /** Every version that the store knows, by each of its digests. */
  readonly versions: ReadonlyMap<string, VersionName>;
}

export type Offers = ReadonlyMap<string, OfferedBinary>;

/** What the fleet needs to know of the releases. */
export interface CatalogReader {
  /** The same object for as long as nothing changes. Must not throw: a page about hosts is needed most in trouble. */
  read(): Promise<Offers>;
}

interface Remembered {
  readonly fingerprint: string;
  readonly binary: OfferedBinary;
}

/** Reads a release store; catalogs that have not changed are not read again. */
export class StoreCatalogReader implements CatalogReader {
  readonly #store: ReleaseStore;
  readonly #tell: (message: string) => void;
  readonly #remembered = new Map<BinaryName, Remembered>();
  #offers: Offers = new Map();
  #trouble: string | undefined;

  constructor(store: ReleaseStore, tell: (message: string) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  async read(): Promise<Offers> {
    try {
      const names = await this.#store.names();
      const troubles: string[] = [];
      let changes = 0;
      for (const name of names) {
        changes += await this.#refresh(name).catch((error: unknown) => {
          troubles.push(errorText(error));
          return 0;
        });
      }
      const isGone = names.filter((name) => this.#remembered.has(name)).length !== this.#offers.size;
      if (changes > 0 || isGone) this.#offers = this.#together(names);
      this.#tellOf(troubles.length === 0 ? undefined : troubles.join('; '));
    } catch (error) {
      // A store into which nothing was published yet is no trouble.
      const isNew = error instanceof ManagerError && error.code === 'refused' && this.#offers.size === 0;
      this.#tellOf(isNew ? undefined : errorText(error));
    }
    return this.#offers;
  }

  /** Once for each. */
  #tellOf(trouble: string | undefined): void {
    if (trouble !== undefined && trouble !== this.#trouble) {
      this.#tell(`the fleet is compared with releases as they were: ${trouble}`);
    }
    this.#trouble = trouble;
  }

  /** How many binaries have changed by it: 0 or 1. */
  async #refresh(name: BinaryName): Promise<number> {
    const stats = await orUndefined(stat(this.#store.places.catalog(name), { bigint: true }));
    const seen = stats === undefined ? '' : fingerprint(stats);
    const written = Number(stats?.mtimeMs ?? 0);
    if (this.#remembered.get(name)?.fingerprint === seen) return 0;
    const catalog = await this.#store.catalog(name);
    if (catalog === undefined) return this.#remembered.delete(name) ? 1 : 0;
    this.#remembered.set(name, { fingerprint: seen, binary: await this.#offered(catalog, written) });
    return 1;
  }

  #together(names: readonly BinaryName[]): Offers {
    const found = names.flatMap((name) => this.#remembered.get(name)?.binary ?? []);
    return new Map(found.map((binary) => [binary.name, binary]));
  }

  async #offered(catalog: Catalog, written: number): Promise<OfferedBinary> {
    const offers: Offer[] = [];
    for (const { channel } of catalog.channels) {
      const release = findRelease(catalog, channel);
      if (release === undefined) continue;
      const digests = new Set(release.artifacts.flatMap(({ md5, sha256 }) => [md5, sha256]));
      const moved = await this.#movedAt(`releases/${channel}/${catalog.name}`, release.version);
      const since = Math.max(Date.parse(publishedAt(release)), moved ?? written);
      offers.push({ channel, version: release.version, since, digests });
    }
    const versions = catalog.releases.flatMap(({ version, artifacts }) =>
      artifacts.flatMap(({ md5, sha256 }) => [md5, sha256].map((digest) => [digest, version] as const)),
    );
    const rank = ({ channel }: Offer) => (channel === STABLE ? '' : channel);
    return {
      name: catalog.name,
      offers: offers.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)),
      versions: new Map(versions),
    };
  }

  /**
   * A channel is a link that is made anew whenever it points elsewhere, so its own age is what is asked for. Undefined
   * for a moment, while a change is under way that has reached the catalog and not the link.
   */
  async #movedAt(view: string, version: VersionName): Promise<number | undefined> {
    const path = this.#store.places.view(view);
    const target = await readlink(path).catch(() => undefined);
    if (target?.startsWith(`../${version}/`) !== true) return undefined;
    const link = await orUndefined(lstat(path));
    return link && Math.floor(link.mtimeMs);
  }
}
