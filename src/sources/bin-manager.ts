import { type Digest, type DigestAlgorithm, digestFromHex, isDigestOfNothing } from '../domain/digest.ts';
import { errorText, UpdateError } from '../domain/errors.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryName } from '../domain/names.ts';
import type { Artifact } from '../domain/release.ts';
import type { Answer } from '../planning/decide.ts';
import type { DownloadLimits, Http, Sink } from '../platform/http.ts';
import { HttpStatusError, HttpTrouble, printable } from '../platform/http-trouble.ts';
import type { ReleaseSource } from './source.ts';

const PARALLEL = 16;
const MAX_ANSWER_BYTES = 64 * 1024;
const ASK_TIMEOUT_MS = 20_000;
/** Spellings of a digest that servers of this protocol have used, and what they hold; `hash` tells by its length. */
const SPELLINGS: readonly (readonly [string, readonly DigestAlgorithm[]])[] = [
  ['md5', ['md5']],
  ['sha256', ['sha256']],
  ['sha256sum', ['sha256']],
  ['hash', ['md5', 'sha256']],
];

/** The documented bin-manager API: `GET {api}/releases/{version}/{name}/md5` and `…/download`. */
export class BinManagerSource implements ReleaseSource {
  readonly label: string;
  readonly #api: URL;
  readonly #http: Http;

  constructor(api: URL, http: Http) {
    this.label = printable(api);
    this.#api = api;
    this.#http = http;
  }

  async ask(entries: readonly ManifestEntry[]): Promise<ReadonlyMap<BinaryName, Answer>> {
    const answers = new Map<BinaryName, Answer>();
    const queue = [...entries];
    const worker = async () => {
      for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
        answers.set(entry.name, await this.#askOne(entry));
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, entries.length) }, worker));
    return answers;
  }

  async fetch(artifact: Artifact, sink: Sink, limits: DownloadLimits): Promise<void> {
    try {
      await this.#http.download(new URL(artifact.url), sink, limits);
    } catch (error) {
      if (!(error instanceof HttpTrouble || error instanceof HttpStatusError)) throw error;
      const story = { cause: error, ...hintOf(error) };
      throw new UpdateError({ reason: 'download-failed', fault: 'transfer' }, errorText(error), story);
    }
  }

  async #askOne(entry: ManifestEntry): Promise<Answer> {
    try {
      const digest = await this.#digest(entry);
      const url = this.#url(entry, 'download').href;
      return { kind: 'offered', release: { version: entry.version, artifacts: [{ url, digest, target: entry.path }] } };
    } catch (error) {
      return { kind: 'refused', error: asUpdateError(error) };
    }
  }

  async #digest(entry: ManifestEntry): Promise<Digest> {
    const url = this.#url(entry, 'md5');
    const answer = await this.#http.text(url, { maxBytes: MAX_ANSWER_BYTES, totalMs: ASK_TIMEOUT_MS });
    if (answer.status !== 200) throw statusError(answer.status, url);
    return readDigest(answer.text, printable(url));
  }

  /** Invariant 10: every part is one encoded path segment. */
  #url(entry: ManifestEntry, what: 'md5' | 'download'): URL {
    const base = this.#api.href.replace(/\/+$/, '');
    const segments = [entry.version, entry.name].map((segment) => encodeURIComponent(segment));
    return new URL(`${base}/releases/${segments.join('/')}/${what}`);
  }
}

/**
 * Reads a digest tolerantly (any known spelling, at the top level or under `data`, any case, blanks around it) and
 * decides strictly (`code` 0, 200 or absent; hex of the right length; not the digest of nothing).
 * Throws {@link UpdateError} `bad-answer`.
 */
export function readDigest(text: string, from: string): Digest {
  const answer = parseObject(text, from);
  const code = answer['code'];
  if (code !== undefined && code !== 0 && code !== 200) {
    const message = typeof answer['message'] === 'string' ? `, "${answer['message'].slice(0, 200)}"` : '';
    throw badAnswer(`${from} answers with code ${shown(code)}${message}, expected 0`);
  }
  const data = isObject(answer['data']) ? answer['data'] : {};
  for (const [spelling, algorithms] of SPELLINGS) {
    const written = data[spelling] ?? answer[spelling];
    if (written === undefined || written === null) continue;
    const digest = typeof written === 'string' ? oneOf(algorithms, written) : undefined;
    if (digest === undefined) throw badAnswer(`${from} gives the ${spelling} ${shown(written)}, expected hex`);
    if (isDigestOfNothing(digest)) throw badAnswer(`${from} offers an empty file`);
    return digest;
  }
  throw badAnswer(`${from} answers without a digest: expected {"code":0,"data":{"md5":"…"}}, found ${brief(text)}`);
}

function oneOf(algorithms: readonly DigestAlgorithm[], written: string): Digest | undefined {
  return algorithms.map((one) => digestFromHex(one, written)).find((digest) => digest !== undefined);
}

function parseObject(text: string, from: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badAnswer(`${from} does not answer in JSON: found ${brief(text)}`);
  }
  if (!isObject(value)) throw badAnswer(`${from} answers without an object: found ${brief(text)}`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badAnswer(message: string): UpdateError {
  return new UpdateError({ reason: 'bad-answer', fault: 'transfer' }, message, {
    hint: 'Is BIN_MANAGER_API the address of a bin-manager?',
  });
}

function statusError(status: number, url: URL): UpdateError {
  const story = `HTTP ${status} from ${printable(url)}`;
  if (status === 404) {
    return new UpdateError({ reason: 'no-such-release', fault: 'transfer' }, story, {
      hint: 'Publish the release, or correct "name" or "version" in the manifest.',
    });
  }
  if (status === 401 || status === 403) {
    return new UpdateError({ reason: 'source-refused', fault: 'transfer' }, story, {
      hint: 'Set BIN_MANAGER_TOKEN_FILE to a file with a valid token.',
    });
  }
  return status >= 500 || status === 429 || status === 408
    ? new UpdateError({ reason: 'source-unreachable', fault: 'transfer' }, story)
    : badAnswer(`${story}, expected 200`);
}

function asUpdateError(error: unknown): UpdateError {
  if (error instanceof UpdateError) return error;
  const lasting = error instanceof HttpTrouble && !['unreachable', 'stalled', 'truncated'].includes(error.kind);
  return new UpdateError(
    { reason: lasting ? 'bad-answer' : 'source-unreachable', fault: 'transfer' },
    errorText(error),
    { cause: error, ...hintOf(error) },
  );
}

function hintOf(error: unknown): { readonly hint?: string } {
  return error instanceof HttpTrouble && error.hint !== undefined ? { hint: error.hint } : {};
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}

function brief(text: string): string {
  return JSON.stringify(text.trim().slice(0, 60));
}
