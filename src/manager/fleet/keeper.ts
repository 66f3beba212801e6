import { dirname, join } from 'node:path';
import { errorText } from '../../domain/errors.ts';
import { makeDirectories, sweepTemporaries } from '../../platform/files.ts';
import type { Host } from './host.ts';
import type { Bounds, Change } from './registry.ts';
import { readState, StateFile, SupersededError, setAside } from './state-file.ts';

/** What a crash loses. Shorter ones would make a write of every report. */
const FLUSH_MS = 1_000;
const MAX_RETRY_MS = 60_000;

export interface KeeperOptions {
  /** All hosts, those that were not seen for the longest time first. */
  readonly hosts: () => Iterable<Host>;
  readonly tell: (message: string) => void;
  readonly bounds: Bounds;
}

/**
 * Keeps what is known of the hosts in a file, some moments late. Trouble with the file is told once and tried again; it
 * never reaches whoever reports or asks (invariant 8).
 */
export class Keeper {
  readonly #path: string;
  readonly #hosts: () => Iterable<Host>;
  readonly #tell: (message: string) => void;
  readonly #bounds: Bounds;
  readonly #pending = new Map<string, Change>();
  #file: StateFile | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #retryMs = FLUSH_MS;
  #failures = 0;
  #state: 'keeping' | 'in-trouble' | 'superseded' | 'closed' = 'keeping';

  constructor(directory: string, { hosts, tell, bounds }: KeeperOptions) {
    this.#path = join(directory, 'hosts.jsonl');
    this.#hosts = hosts;
    this.#tell = tell;
    this.#bounds = bounds;
  }

  /** Changes that are not on disk, and how often they could not be brought there. */
  get standing(): { readonly unsaved: number; readonly failures: number } {
    return { unsaved: this.#pending.size, failures: this.#failures };
  }

  /** What was kept, those that were not seen for the longest time first. A damaged file is moved aside and reported. */
  async load(): Promise<readonly Host[]> {
    try {
      const { hosts, damage } = await readState(this.#path, this.#bounds);
      if (damage !== undefined) await this.#report(damage, hosts.length);
      return hosts.toSorted((a, b) => a.lastSeen - b.lastSeen);
    } catch (error) {
      this.#tell(`cannot read what is known of the hosts, which now begins anew: ${errorText(error)}`);
      return [];
    }
  }

  /** Makes the file anew. From now on it is ours, and changes are kept. */
  async begin(): Promise<void> {
    await this.#enqueue();
  }

  note(change: Change): void {
    if (this.#state === 'closed' || this.#state === 'superseded') return;
    const id = change.kind === 'forgotten' ? change.id : change.host.id;
    const isMore = change.kind === 'seen' && this.#pending.get(id)?.kind === 'changed';
    this.#pending.set(id, isMore ? { kind: 'changed', host: change.host } : change);
    this.#schedule();
  }

  /** Writes what is not written yet; nothing is kept after it. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#work;
    if (this.#isBehind) await this.#enqueue();
    clearTimeout(this.#timer);
    this.#state = 'closed';
    await this.#file?.close();
  }

  /** Also without a change: what could not be written may have been that a host is forgotten. */
  get #isBehind(): boolean {
    return this.#pending.size > 0 || this.#state === 'in-trouble';
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#enqueue(), this.#retryMs).unref();
  }

  /** One after the other: two would write to one file. */
  #enqueue(): Promise<void> {
    this.#work = this.#work.then(() => (this.#state === 'superseded' ? undefined : this.#flush()));
    return this.#work;
  }

  async #flush(): Promise<void> {
    const changes = [...this.#pending.values()];
    this.#pending.clear();
    try {
      await this.#write(changes);
      if (this.#state === 'in-trouble') this.#tell('what hosts report is kept on disk again');
      this.#state = 'keeping';
      this.#retryMs = FLUSH_MS;
    } catch (error) {
      this.#despair(error, changes);
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isBehind) this.#schedule();
  }

  async #write(changes: readonly Change[]): Promise<void> {
    if (this.#file !== undefined && !this.#file.isWorn) {
      await this.#file.add(changes);
      return;
    }
    const worn = this.#file;
    const directory = dirname(this.#path);
    await makeDirectories(directory, 0o700);
    if (worn === undefined) await sweepTemporaries(directory);
    this.#file = await StateFile.write(this.#path, [...this.#hosts()], worn);
    await worn?.close();
    await this.#file.settle();
  }

  #despair(error: unknown, changes: readonly Change[]): void {
    if (error instanceof SupersededError) {
      this.#state = 'superseded';
      this.#pending.clear();
      this.#tell(`${error.message}: what hosts report to this one is in its memory alone. Let one serve a store.`);
      return;
    }
    // Told again for every new trouble, not for every try.
    if (this.#state !== 'in-trouble') {
      this.#tell(`what hosts report cannot be kept on disk, and is in memory until it can: ${errorText(error)}`);
    }
    this.#state = 'in-trouble';
    this.#failures += 1;
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    // All hosts are written anew next, and whoever is forgotten by now is not among them.
    for (const change of changes) {
      if (change.kind !== 'forgotten' && !this.#pending.has(change.host.id)) this.#pending.set(change.host.id, change);
    }
  }

  async #report(damage: string, count: number): Promise<void> {
    const aside = await setAside(this.#path);
    const left = count === 0 ? 'Hosts come back as they report' : `What could be read (hosts: ${count}) is kept`;
    this.#tell(`${this.#path} cannot be understood: ${damage}. It was moved to ${aside}. ${left}.`);
  }
}
