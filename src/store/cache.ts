import { type BigIntStats, promises } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Digest, type DigestAlgorithm, digestFromHex } from '../domain/digest.ts';
import type { Manifest } from '../domain/manifest.ts';
import { fingerprint, hashFile, writeDurably } from '../platform/files.ts';
import { hasSchema, hasTexts, isObject, isText, readStateFile } from './json-file.ts';

/**
 * A file changed twice within one tick of the kernel's clock keeps its times. A digest taken so soon after a change is
 * used but not kept.
 */
const SETTLED_MS = 2_000;

interface CachedFile {
  readonly fingerprint: string;
  readonly md5?: string;
  readonly sha256?: string;
}

interface Content {
  readonly schema: 'bin-proxy/cache/1';
  readonly manifest?: { readonly key: string; readonly value: Manifest };
  readonly files: Readonly<Record<string, CachedFile>>;
  /** What the release source wants to know again; only it can read that. */
  readonly source?: unknown;
}

/**
 * What an idle tick would otherwise work out anew: digests of unchanged files, the checked manifest and the
 * last answer of the release source (invariant 12).
 * Losing it costs time, never truth.
 */
export class Cache {
  readonly #path: string;
  readonly #files: Map<string, CachedFile>;
  #manifest: Content['manifest'];
  #source: unknown;
  #changed = false;

  private constructor(path: string, content: Content) {
    this.#path = path;
    this.#files = new Map(Object.entries(content.files));
    this.#manifest = content.manifest;
    this.#source = content.source;
  }

  static async open(stateDir: string): Promise<Cache> {
    const path = join(stateDir, 'cache.json');
    const file = await readStateFile(path, parseContent).catch(() => ({ kind: 'absent' }) as const);
    return new Cache(path, file.kind === 'read' ? file.value : { schema: 'bin-proxy/cache/1', files: {} });
  }

  /** The digest of a file whose stats were just taken; hashes it only if it has changed since the last time. */
  async digest(path: string, stats: BigIntStats, algorithm: DigestAlgorithm): Promise<Digest> {
    const now = fingerprint(stats);
    const cached = this.#files.get(path);
    const known = cached?.fingerprint === now ? digestFromHex(algorithm, cached[algorithm] ?? '') : undefined;
    if (known !== undefined) return known;
    const digest = await hashFile(path, algorithm);
    // Either way: where the clock was set back, a change made now is stamped with another time all the same.
    if (Math.abs(Date.now() - Number(stats.ctimeMs)) > SETTLED_MS) {
      const others = cached?.fingerprint === now ? cached : { fingerprint: now };
      this.#files.set(path, { ...others, [algorithm]: digest.hex });
      this.#changed = true;
    }
    return digest;
  }

  /** In which algorithm the digest of a file is known, if in any; sha256 before md5. */
  algorithmOf(path: string): DigestAlgorithm | undefined {
    const cached = this.#files.get(path);
    return (['sha256', 'md5'] as const).find((algorithm) => cached?.[algorithm] !== undefined);
  }

  manifest(key: string): Manifest | undefined {
    return this.#manifest?.key === key ? this.#manifest.value : undefined;
  }

  keepManifest(key: string, value: Manifest): void {
    this.#manifest = { key, value };
    this.#changed = true;
  }

  /** What the release source kept, as it was given or as it came back from JSON. */
  recall(): unknown {
    return this.#source;
  }

  /** Keeps what the release source wants to know again. What is known already is no change. */
  keep(source: unknown): void {
    if (JSON.stringify(source) === JSON.stringify(this.#source)) return;
    this.#source = source;
    this.#changed = true;
  }

  /** Written only when something changed. A cache that cannot be written is no reason to fail. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    const files = Object.fromEntries(this.#files);
    const content: Content = {
      schema: 'bin-proxy/cache/1',
      files,
      ...(this.#manifest && { manifest: this.#manifest }),
      ...(this.#source !== undefined && { source: this.#source }),
    };
    try {
      await promises.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeDurably(this.#path, `${JSON.stringify(content)}\n`);
    } catch {
      // The next tick works it out again.
    }
  }
}

function parseContent(value: unknown): Content | undefined {
  if (!hasSchema(value, 'bin-proxy/cache/1')) return undefined;
  const { files, manifest } = value;
  if (!isObject(files) || !Object.values(files).every(isCachedFile)) return undefined;
  const sound = manifest === undefined || (hasTexts(manifest, 'key') && isObject(manifest['value']));
  return sound ? (value as unknown as Content) : undefined;
}

function isCachedFile(value: unknown): value is CachedFile {
  return (
    hasTexts(value, 'fingerprint') && ['md5', 'sha256'].every((key) => value[key] === undefined || isText(value[key]))
  );
}
