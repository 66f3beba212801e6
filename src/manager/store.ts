import { type FileHandle, open, readdir } from 'node:fs/promises';
import { systemCode } from '../domain/errors.ts';
import { type BinaryName, isBinaryName, type VersionName } from '../domain/names.ts';
import type { Platform } from '../domain/platform.ts';
import { orUndefined, readText } from '../platform/files.ts';
import { type Artifact, artifactFor, type Catalog, findRelease, type Release } from './catalog.ts';
import { parseCatalog } from './catalog-file.ts';
import { ManagerError } from './errors.ts';
import { Places } from './places.ts';

const SUFFIX = '.json';
const FORMER_HINT =
  'Hosts go on getting what was published. Remove this file; "bin-manager verify --repair" then makes the answers what ' +
  'the catalog says.';

/** What an address leads to. */
export interface FoundRelease {
  readonly name: BinaryName;
  readonly release: Release;
  readonly artifact: Artifact;
}

export interface OpenArtifact {
  /** To be closed by the caller. What it reads stays the same, whatever happens to the store. */
  readonly handle: FileHandle;
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
}

export interface ReadCatalogs {
  readonly sound: ReadonlyMap<BinaryName, Catalog>;
  readonly damaged: ReadonlyMap<BinaryName, ManagerError>;
}

/**
 * The reading side of a release store: takes no lock, writes nothing, and sees each binary as it was before a change or
 * as it is after it. Errors are {@link ManagerError}s; a binary or a version that is not there is undefined.
 */
export class ReleaseStore {
  readonly places: Places;

  constructor(directory: string) {
    this.places = new Places(directory);
  }

  /** Sorted. Throws `refused` where there is no store. */
  async names(): Promise<readonly BinaryName[]> {
    const files = await orUndefined(readdir(this.places.catalogs));
    if (files === undefined) {
      throw new ManagerError('refused', `there is no release store at ${this.places.store}`, {
        hint: 'Correct --store or BIN_MANAGER_STORE; "bin-manager publish" begins a new one.',
      });
    }
    return files
      .flatMap((file) => (file.endsWith(SUFFIX) ? [file.slice(0, -SUFFIX.length)] : []))
      .filter(isBinaryName)
      .sort();
  }

  /** Throws `damaged` where the file cannot be understood. */
  async catalog(name: BinaryName): Promise<Catalog | undefined> {
    const file = this.places.catalog(name);
    const text = await readText(file);
    return text === undefined ? undefined : parseCatalog(text, name, file);
  }

  /** A catalog as it was before a change that was not ended. Throws `damaged` where the file cannot be understood. */
  async formerCatalog(name: BinaryName): Promise<Catalog | undefined> {
    const file = this.places.former(name);
    const text = await readText(file);
    try {
      return text === undefined ? undefined : parseCatalog(text, name, file);
    } catch (error) {
      if (!(error instanceof ManagerError)) throw error;
      // It is in no backup, and worth no mending: all that it knows is which answers are no longer wanted.
      throw new ManagerError('damaged', error.message, { cause: error, hint: FORMER_HINT });
    }
  }

  /** All that can be understood, by name, and why the others cannot. */
  async readCatalogs(): Promise<ReadCatalogs> {
    const sound = new Map<BinaryName, Catalog>();
    const damaged = new Map<BinaryName, ManagerError>();
    for (const name of await this.names()) {
      try {
        const catalog = await this.catalog(name);
        if (catalog !== undefined) sound.set(name, catalog);
      } catch (error) {
        if (!(error instanceof ManagerError)) throw error;
        damaged.set(name, error);
      }
    }
    return { sound, damaged };
  }

  /** All of them, by name. Throws `damaged`. */
  async catalogs(): Promise<ReadonlyMap<BinaryName, Catalog>> {
    const { sound, damaged } = await this.readCatalogs();
    for (const error of damaged.values()) throw error;
    return sound;
  }

  /**
   * What a host gets that asks for a version, a channel or `latest`. Without a platform it is the artifact for
   * linux/amd64, or else the first that was published.
   */
  async find(name: BinaryName, wanted: VersionName, platform?: Platform): Promise<FoundRelease | undefined> {
    const catalog = await this.catalog(name);
    const release = catalog && findRelease(catalog, wanted);
    const artifact = release && artifactFor(release, platform);
    return release && artifact && { name, release, artifact };
  }

  /** The bytes of an artifact, by their sha256 in lower-case hex; undefined where the store has none. */
  async openArtifact(sha256: string): Promise<OpenArtifact | undefined> {
    if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    try {
      const handle = await open(this.places.artifact(sha256), 'r');
      const { size, mtime } = await handle.stat();
      return { handle, size, modified: mtime };
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}
