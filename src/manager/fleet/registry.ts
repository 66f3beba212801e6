import { getHeapStatistics } from 'node:v8';
import type { Host } from './host.ts';
import { Order } from './order.ts';
import { LOST_MS } from './standing.ts';
import { weightOf } from './weight.ts';

/** How much a server remembers. What is too much goes from the host that was not seen for the longest time. */
export interface Bounds {
  readonly hosts: number;
  /** Of all hosts together, as {@link weightOf} counts. */
  readonly weight: number;
  /** Milliseconds after which a host that says nothing more is forgotten. */
  readonly age: number;
  /** Milliseconds for which a host that says nothing more is not forgotten for the sake of another one. */
  readonly spared: number;
}

/** The rest is for reports that are being taken in and written down, for pages, and for what waits to be collected. */
const PART_OF_HEAP = 1 / 4;
const MOST_WEIGHT = 512 * 2 ** 20;

/** `heapBytes`: what V8 lets the process have before it ends it. */
export function boundsFor(heapBytes: number): Bounds {
  const weight = Math.min(MOST_WEIGHT, Math.floor(heapBytes * PART_OF_HEAP));
  return { hosts: 100_000, weight, age: 30 * 24 * 3_600_000, spared: LOST_MS };
}

export const BOUNDS: Bounds = boundsFor(getHeapStatistics().heap_size_limit);

/** There is no room for what a host says, as long as those are heard from that are known. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

/** What became of a host in memory, for whoever writes it down. */
export type Change =
  | { readonly kind: 'changed' | 'seen'; readonly host: Host }
  | { readonly kind: 'forgotten'; readonly id: string };

interface Entry {
  readonly host: Host;
  readonly weight: number;
}

/** All hosts, in the order in which they were last seen, within bounds. */
export class Registry {
  readonly #bounds: Bounds;
  readonly #tell: (change: Change) => void;
  /** A Map keeps the order of insertion: the first entry is the one that was not seen for the longest time. */
  readonly #entries = new Map<string, Entry>();
  /** Where the id is another one than the name: older clients say their name alone in some of their reports. */
  readonly #ids = new Map<string, string>();
  readonly #byId = new Order((a, b) => a.id < b.id);
  readonly #byName = new Order((a, b) => (a.name === b.name ? a.id < b.id : a.name < b.name));
  #weight = 0;
  #revision = 0;
  #orderRevision = 0;

  constructor(bounds: Bounds, tell: (change: Change) => void) {
    this.#bounds = bounds;
    this.#tell = tell;
  }

  /** Another one after every change. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): Host | undefined {
    return this.#entries.get(id)?.host;
  }

  *hosts(): Generator<Host> {
    for (const { host } of this.#entries.values()) yield host;
  }

  /** Ids in the order of ids. */
  byId(): readonly string[] {
    return this.#byId.of(this.#entries, this.#orderRevision);
  }

  /** Ids in the order of names. */
  byName(): readonly string[] {
    return this.#byName.of(this.#entries, this.#orderRevision);
  }

  /** The id of whoever says this name: a host whose id it is, else the one that last used it, else a new one. */
  idOf(name: string): string {
    return this.#entries.has(name) ? name : (this.#ids.get(name) ?? name);
  }

  /** Takes up what was written down, those first that were not seen for the longest time. */
  restore(hosts: Iterable<Host>): void {
    for (const host of hosts) this.#insert(host, weightOf(host));
    this.#makeRoom(Number.POSITIVE_INFINITY);
  }

  /**
   * Takes in what a host has just said, or only that it was `seen`. Throws {@link NoRoomError} where other hosts that
   * live would have to go: a stranger can take what is free, and nobody's place. The host is as it was then, but seen.
   */
  put(host: Host, kind: 'changed' | 'seen'): void {
    const former = this.#entries.get(host.id);
    const weight = kind === 'seen' && former !== undefined ? former.weight : weightOf(host);
    this.#insert(host, weight);
    this.#makeRoom(host.lastSeen - this.#bounds.spared);
    if (this.#isWithin) return this.#tell({ kind, host });
    this.drop(host.id);
    if (former !== undefined) this.put({ ...former.host, lastSeen: host.lastSeen }, 'seen');
    throw new NoRoomError(`${this.size} hosts take ${Math.ceil(this.#weight / 2 ** 20)} MiB, and there is no more`);
  }

  drop(id: string): void {
    this.#remove(id);
    this.#revision += 1;
    this.#orderRevision += 1;
  }

  /** Forgets whoever was not seen for too long. */
  expire(now: number): void {
    for (const { host } of this.#entries.values()) {
      if (now - host.lastSeen <= this.#bounds.age) return;
      this.#forget(host.id);
    }
  }

  #insert(host: Host, weight: number): void {
    if (this.#entries.get(host.id)?.host.name !== host.name) this.#orderRevision += 1;
    this.#remove(host.id);
    this.#entries.set(host.id, { host, weight });
    this.#weight += weight;
    if (host.name !== host.id) this.#ids.set(host.name, host.id);
    this.#revision += 1;
  }

  /** Forgets hosts that were not seen since then, in milliseconds, as far as that is necessary. */
  #makeRoom(since: number): void {
    for (const { host } of this.#entries.values()) {
      if (this.#isWithin || host.lastSeen >= since) return;
      this.#forget(host.id);
    }
  }

  get #isWithin(): boolean {
    return this.#entries.size <= this.#bounds.hosts && this.#weight <= this.#bounds.weight;
  }

  #forget(id: string): void {
    this.drop(id);
    this.#tell({ kind: 'forgotten', id });
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#weight -= entry.weight;
    const { name } = entry.host;
    if (this.#ids.get(name) === id) this.#ids.delete(name);
  }
}
