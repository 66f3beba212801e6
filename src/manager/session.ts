import { readdir } from 'node:fs/promises';
import { type BinaryName, isBinaryName } from '../domain/names.ts';
import { orUndefined, readText, removeFile, sweepTemporaries, syncDirectory, writeDurably } from '../platform/files.ts';
import type { Lock } from '../platform/lock.ts';
import { type Catalog, emptyCatalog } from './catalog.ts';
import { catalogText } from './catalog-file.ts';
import { ManagerError } from './errors.ts';
import { settleIndex, settleViews } from './settle.ts';
import type { ReadCatalogs, ReleaseStore } from './store.ts';
import { type Patience, waitForLock } from './store-lock.ts';
import { sweepStaging } from './upload.ts';
import { Workbench } from './workbench.ts';

export interface Conditions extends Patience {
  readonly now: () => Date;
}

/** Makes the directories of a store that are not there yet. */
export async function prepareStore({ places }: ReleaseStore): Promise<void> {
  const bench = new Workbench(places.staging);
  for (const directory of [places.staging, places.unsettled, places.artifacts, places.catalogs]) {
    await bench.directory(directory);
  }
  await bench.flush();
}

/** Holds the store for one change: settles what a killed run left, does the work, and lets go. */
export async function withSession<T>(
  store: ReleaseStore,
  conditions: Conditions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  // A store that is not there must not come to be by looking for it.
  await store.names();
  await prepareStore(store);
  const lock = await waitForLock(store.places.lock, conditions);
  try {
    return await work(await Session.begin(store, lock, conditions.now));
  } finally {
    await lock.release();
  }
}

/** Why nothing is known of a name. */
interface Damage {
  /** Of the file, relative to the store. */
  readonly path: string;
  readonly error: ManagerError;
}

/** A store whose lock is held, and whose views agree with its catalogs. */
export class Session {
  readonly store: ReleaseStore;
  readonly now: () => Date;
  readonly #lock: Lock;
  readonly #catalogs: Map<BinaryName, Catalog>;
  readonly #damaged: Map<BinaryName, Damage>;

  private constructor(store: ReleaseStore, lock: Lock, begun: ReadCatalogs & Pick<Session, 'now'>) {
    this.store = store;
    this.now = begun.now;
    this.#lock = lock;
    this.#catalogs = new Map(begun.sound);
    this.#damaged = new Map([...begun.damaged].map(([name, error]) => [name, { path: `catalog/${name}.json`, error }]));
  }

  static async begin(store: ReleaseStore, lock: Lock, now: () => Date): Promise<Session> {
    const session = new Session(store, lock, { now, ...(await store.readCatalogs()) });
    await session.#settleWhatWasLeft();
    return session;
  }

  /** Without those that are damaged. */
  get catalogs(): ReadonlyMap<BinaryName, Catalog> {
    return this.#catalogs;
  }

  /** Names of which nothing is known but what is served: it stays as it is, and other names go on. */
  get damaged(): ReadonlySet<BinaryName> {
    return new Set(this.#damaged.keys());
  }

  /** For whatever must know all that is needed. Throws `damaged`. */
  mustBeWhole(): void {
    for (const { error } of this.#damaged.values()) throw error;
  }

  /** For a person, about what is damaged. */
  get warnings(): readonly string[] {
    return [...this.#damaged].map(
      ([name, { path }]) => `${path} is damaged, what ${name} offers stays as it was: "bin-manager verify" says more`,
    );
  }

  /** An empty one where nothing was published yet. Throws `damaged`. */
  catalog(name: BinaryName): Catalog {
    const damage = this.#damaged.get(name);
    if (damage !== undefined) throw damage.error;
    return this.#catalogs.get(name) ?? emptyCatalog(name);
  }

  /**
   * Makes a changed catalog the truth, and its views after it. The former one is kept until they are done: whoever
   * comes next after a kill finds it, and ends this.
   */
  async commit(catalog: Catalog): Promise<void> {
    this.mayGoOn();
    const { places } = this.store;
    const { name } = catalog;
    const former = this.catalog(name);
    const text = catalogText(catalog);
    if (text === (await readText(places.catalog(name)))) return;
    await writeDurably(places.former(name), catalogText(former), 0o644);
    await writeDurably(places.catalog(name), text, 0o644);
    this.#catalogs.set(name, catalog);
    await this.#settle(name, former);
  }

  async settleIndex(): Promise<void> {
    this.mayGoOn();
    const order = { catalogs: this.#catalogs.values(), kept: this.damaged, now: this.now() };
    await settleIndex(this.store.places, order);
  }

  /** Throws once the lock is lost (invariant 11). */
  mayGoOn(): void {
    this.#lock.lost.throwIfAborted();
  }

  async #settleWhatWasLeft(): Promise<void> {
    const { places } = this.store;
    await sweepStaging(places.staging, this.now());
    for (const directory of [places.catalogs, places.unsettled]) await sweepTemporaries(directory);
    for (const file of (await orUndefined(readdir(places.unsettled))) ?? []) {
      const name = file.replace(/\.json$/, '');
      if (!isBinaryName(name)) continue;
      const former = await this.#formerOf(name);
      if (former !== undefined) await this.#settle(name, former);
    }
  }

  /** What the views of a binary may have been made from; undefined where they must stay as they are. */
  async #formerOf(name: BinaryName): Promise<Catalog | undefined> {
    if (this.#damaged.has(name)) return undefined;
    try {
      return (await this.store.formerCatalog(name)) ?? emptyCatalog(name);
    } catch (error) {
      if (!(error instanceof ManagerError)) throw error;
      this.#damaged.set(name, { path: `unsettled/${name}.json`, error });
      this.#catalogs.delete(name);
      return undefined;
    }
  }

  async #settle(name: BinaryName, former: Catalog): Promise<void> {
    const { places } = this.store;
    await settleViews(places, this.catalog(name), former);
    await this.settleIndex();
    await removeFile(places.former(name));
    await syncDirectory(places.unsettled);
  }
}
