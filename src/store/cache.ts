import { type BigIntStats, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, type DigestAlgorithm, digestFromHex } from '../domain/digest.ts';
import type { Manifest } from '../domain/manifest.ts';
import { hashFile } from '../platform/files.ts';
import { fingerprint, isSettled } from '../platform/fingerprint.ts';
import { hasSchema, hasTexts, isObject, isText, writeIfPossible } from './json-file.ts';

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

/** The same, as it is used. */
interface Kept {
  readonly files: Map<string, CachedFile>;
  manifest: Content['manifest'];
  source: unknown;
}

/**
 * What an idle tick would otherwise work out anew: digests of unchanged files, the checked manifest and the
 * last answer of the release source (invariant 12).
 * Losing it costs time, never truth.
 */
export class Cache {
  readonly #path: string;
  #read: Kept | undefined;
  #changed = false;

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'cache.json');
  }

  /** Read when it is first asked for something: most ticks need nothing of it. */
  get #kept(): Kept {
    this.#read ??= read(this.#path);
    return this.#read;
  }

  /** The digest of a file whose stats were just taken; hashes it only if it has changed since the last time. */
  async digest(path: string, stats: BigIntStats, algorithm: DigestAlgorithm): Promise<Digest> {
    const now = fingerprint(stats);
    const { files } = this.#kept;
    const cached = files.get(path);
    const known = cached?.fingerprint === now ? digestFromHex(algorithm, cached[algorithm] ?? '') : undefined;
    if (known !== undefined) return known;
    const digest = await hashFile(path, algorithm);
    // One that was taken so soon after a change that another could go unseen is used, but not kept.
    if (isSettled(stats)) {
      const others = cached?.fingerprint === now ? cached : { fingerprint: now };
      files.set(path, { ...others, [algorithm]: digest.hex });
      this.#changed = true;
    }
    return digest;
  }

  /** In which algorithm the digest of a file is known, if in any; sha256 before md5. */
  algorithmOf(path: string): DigestAlgorithm | undefined {
    const cached = this.#kept.files.get(path);
    return (['sha256', 'md5'] as const).find((algorithm) => cached?.[algorithm] !== undefined);
  }

  manifest(key: string): Manifest | undefined {
    const { manifest } = this.#kept;
    return manifest?.key === key ? manifest.value : undefined;
  }

  keepManifest(key: string, value: Manifest): void {
    this.#kept.manifest = { key, value };
    this.#changed = true;
  }

  /** What the release source kept, as it was given or as it came back from JSON. */
  recall(): unknown {
    return this.#kept.source;
  }

  /** Keeps what the release source wants to know again. What is known already is no change. */
  keep(source: unknown): void {
    if (JSON.stringify(source) === JSON.stringify(this.#kept.source)) return;
    this.#kept.source = source;
    this.#changed = true;
  }

  /** Written only when something changed. A cache that cannot be written is no reason to fail. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    const { files, manifest, source } = this.#kept;
    const content: Content = {
      schema: 'bin-proxy/cache/1',
      files: Object.fromEntries(files),
      ...(manifest !== undefined && { manifest }),
      ...(source !== undefined && { source }),
    };
    await writeIfPossible(this.#path, `${JSON.stringify(content)}\n`);
  }
}

/** A cache that cannot be read is as good as none. */
function read(path: string): Kept {
  let content: Content | undefined;
  try {
    content = parseContent(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // It is written anew.
  }
  return { files: new Map(Object.entries(content?.files ?? {})), manifest: content?.manifest, source: content?.source };
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
