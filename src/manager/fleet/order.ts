import type { Host } from './host.ts';

/**
 * The ids of all hosts in an order that is found once: only where hosts come, go or are renamed it is looked at again, and
 * what was sorted before is nearly sorted then.
 */
export class Order {
  readonly #before: (a: Host, b: Host) => boolean;
  #ids: readonly string[] = [];
  #revision = -1;

  constructor(before: (a: Host, b: Host) => boolean) {
    this.#before = before;
  }

  /** `revision` is another one whenever the order may be. */
  of(hosts: ReadonlyMap<string, { readonly host: Host }>, revision: number): readonly string[] {
    if (this.#revision === revision) return this.#ids;
    const former = this.#ids.flatMap((id) => hosts.get(id)?.host ?? []);
    const known = new Set(former.map(({ id }) => id));
    const all = [...former];
    for (const [id, { host }] of hosts) if (!known.has(id)) all.push(host);
    this.#ids = all.sort((a, b) => (this.#before(a, b) ? -1 : 1)).map(({ id }) => id);
    this.#revision = revision;
    return this.#ids;
  }
}
