import { join, resolve } from 'node:path';
import type { BinaryName } from '../domain/names.ts';

/** Where things lie in a store. Names are checked before they get here (invariant 10). */
export class Places {
  readonly store: string;
  /** The truth: one file a binary. */
  readonly catalogs: string;
  /** Files on their way into the store, on its own file system. */
  readonly staging: string;
  /** Former catalogs of binaries whose views are being changed. */
  readonly unsettled: string;
  readonly lock: string;
  /** What hosts have reported. */
  readonly nodes: string;
  /** What hosts may ask for; the base of all addresses. */
  readonly api: string;
  readonly artifacts: string;
  /** By the sha256 of the file that they come to, then by the one that they come from. */
  readonly deltas: string;
  readonly index: string;

  constructor(store: string) {
    this.store = resolve(store);
    this.catalogs = join(this.store, 'catalog');
    this.staging = join(this.store, 'staging');
    this.unsettled = join(this.store, 'unsettled');
    this.lock = join(this.store, 'lock');
    this.nodes = join(this.store, 'nodes');
    this.api = join(this.store, 'api', 'v1');
    this.artifacts = join(this.api, 'artifacts');
    this.deltas = join(this.api, 'deltas');
    this.index = join(this.api, 'index.json');
  }

  catalog(name: BinaryName): string {
    return join(this.catalogs, `${name}.json`);
  }

  /** The catalog as it was before the change that is under way. */
  former(name: BinaryName): string {
    return join(this.unsettled, `${name}.json`);
  }

  artifact(sha256: string): string {
    return join(this.artifacts, sha256);
  }

  /** `name` is that of `deltaName`. */
  delta(sha256: string, name: string): string {
    return join(this.deltas, sha256, name);
  }

  /** Of a path below the API's directory. */
  view(path: string): string {
    return join(this.api, path);
  }
}
