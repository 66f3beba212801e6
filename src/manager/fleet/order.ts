import type { Host } from './host.ts';

/**
 * Hosts in an order that is found once: what was sorted before is nearly sorted still, and then sorting costs no more
 * than a look at each.
 */
export class Order {
  readonly #before: (a: Host, b: Host) => boolean;
  #hosts: readonly Host[] = [];
  #revision = -1;

  constructor(before: (a: Host, b: Host) => boolean) {
    this.#before = before;
  }

  /** All hosts in this order. `revision` is another one whenever any host is. */
  of(hosts: ReadonlyMap<string, { readonly host: Host }>, revision: number): readonly Host[] {
    if (this.#revision === revision) return this.#hosts;
    const known = new Set<string>();
    const all: Host[] = [];
    for (const { id } of this.#hosts) {
      const there = hosts.get(id)?.host;
      if (there === undefined) continue;
      known.add(id);
      all.push(there);
    }
    if (known.size < hosts.size) for (const [id, { host }] of hosts) if (!known.has(id)) all.push(host);
    this.#hosts = all.sort((a, b) => (this.#before(a, b) ? -1 : 1));
    this.#revision = revision;
    return this.#hosts;
  }
}
