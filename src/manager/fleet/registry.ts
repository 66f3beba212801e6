import type { Host } from './host.ts';
import { weightOf } from './listen.ts';

/** How much a server remembers. What is too much goes from the host that was not seen for the longest time. */
export interface Bounds {
  readonly hosts: number;
  /** Of all hosts together, as {@link weightOf} counts. */
  readonly weight: number;
  /** Milliseconds after which a host that says nothing more is forgotten. */
  readonly age: number;
}

export const BOUNDS: Bounds = { hosts: 100_000, weight: 512 * 2 ** 20, age: 30 * 24 * 3_600_000 };

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
  #weight = 0;
  #revision = 0;

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

  /** The id of whoever says this name: a host whose id it is, else the one that last used it, else a new one. */
  idOf(name: string): string {
    return this.#entries.has(name) ? name : (this.#ids.get(name) ?? name);
  }

  /** Takes up what was written down, those first that were not seen for the longest time. */
  restore(hosts: Iterable<Host>): void {
    for (const host of hosts) this.#insert(host, weightOf(host));
    this.#keepWithin();
  }

  put(host: Host, kind: 'changed' | 'seen'): void {
    const former = kind === 'seen' ? this.#entries.get(host.id) : undefined;
    const weight = former?.weight ?? weightOf(host);
    this.#insert(host, weight);
    this.#tell({ kind, host });
    this.#keepWithin();
  }

  /** Forgets whoever was not seen for too long. */
  expire(now: number): void {
    for (const { host } of this.#entries.values()) {
      if (now - host.lastSeen <= this.#bounds.age) return;
      this.#forget(host.id);
    }
  }

  #insert(host: Host, weight: number): void {
    this.#remove(host.id);
    this.#entries.set(host.id, { host, weight });
    this.#weight += weight;
    if (host.name !== host.id) this.#ids.set(host.name, host.id);
    this.#revision += 1;
  }

  #keepWithin(): void {
    for (const id of this.#entries.keys()) {
      const isWithin = this.#entries.size <= this.#bounds.hosts && this.#weight <= this.#bounds.weight;
      if (isWithin) return;
      this.#forget(id);
    }
  }

  #forget(id: string): void {
    this.#remove(id);
    this.#revision += 1;
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
