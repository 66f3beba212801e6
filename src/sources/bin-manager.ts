import { errorText, UpdateError } from '../domain/errors.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryName } from '../domain/names.ts';
import type { ReportsWish } from '../domain/plan.ts';
import type { Artifact } from '../domain/release.ts';
import type { Answer } from '../planning/decide.ts';
import type { Http, TextAnswer } from '../platform/http.ts';
import { HttpStatusError, HttpTrouble, printable } from '../platform/http-trouble.ts';
import type { DownloadLimits, Sink } from '../platform/sink.ts';
import { askEach } from './bin-manager-each.ts';
import { type Found, findInIndex, type IndexPlace, readIndex } from './bin-manager-index.ts';
import {
  etagOf,
  indexAs,
  type KnownIndex,
  keyOf,
  markOf,
  noIndexSince,
  type Remembered,
  recall,
} from './bin-manager-memory.ts';
import { IndexQuestion } from './bin-manager-question.ts';
import { asUpdateError, badAnswer, hintOf, isLasting, noSuchRelease, statusError } from './bin-manager-trouble.ts';
import type { Asked, ReleaseSource, SourceMemory } from './source.ts';

/** What a server says that knows no such address. Busy and broken ones say something else, and are left in peace. */
const NO_INDEX: readonly number[] = [400, 403, 404, 405, 406, 410, 501];

export interface BinManagerPlace {
  readonly api: URL;
  /** Of this host, as `linuxPlatform` names it. */
  readonly platform: string;
  readonly memory: SourceMemory;
  readonly now: () => Date;
}

/** What came of asking for the index. */
type Indexed =
  | (KnownIndex & { readonly kind: 'index'; readonly reports: ReportsWish })
  | { readonly kind: 'no-index'; readonly warnings: readonly string[] }
  | { readonly kind: 'trouble'; readonly error: UpdateError };

/**
 * The bin-manager API. `GET {api}/index.json` answers for all binaries at once, and costs nothing while it has not
 * changed; a server without one is asked once a binary.
 */
export class BinManagerSource implements ReleaseSource {
  readonly label: string;
  readonly #api: URL;
  readonly #index: IndexPlace;
  readonly #question: IndexQuestion;
  readonly #memory: SourceMemory;
  readonly #now: () => Date;
  readonly #http: Http;

  constructor({ api, platform, memory, now }: BinManagerPlace, http: Http) {
    this.label = printable(api);
    this.#api = api;
    this.#index = { url: new URL(`${api.href.replace(/\/+$/, '')}/index.json`), platform };
    this.#question = new IndexQuestion(this.#index.url, http);
    this.#memory = memory;
    this.#now = now;
    this.#http = http;
  }

  async ask(entries: readonly ManifestEntry[]): Promise<Asked> {
    if (entries.length === 0) return { answers: new Map(), warnings: [], reports: 'unasked' };
    const indexed = await this.#askIndex(entries);
    switch (indexed.kind) {
      case 'index': {
        const { found, etag, reports } = indexed;
        const answers = await this.#fromIndex(entries, found);
        const mark = markOf({ found, etag }, this.#index);
        return { answers, warnings: [], reports, ...(mark !== undefined && { mark }) };
      }
      case 'no-index': {
        const answers = await askEach(entries, this.#api, this.#http);
        return { answers, warnings: indexed.warnings, reports: 'unasked' };
      }
      case 'trouble': {
        // A server that is down for one request is not asked a thousand more.
        const refused = { kind: 'refused', error: indexed.error } as const;
        return { answers: new Map(entries.map(({ name }) => [name, refused])), warnings: [], reports: 'unasked' };
      }
    }
  }

  async fetch({ url, size }: Artifact, sink: Sink, limits: DownloadLimits): Promise<void> {
    const counted = new CountedSink(sink);
    const maxBytes = Math.min(limits.maxBytes, size ?? limits.maxBytes);
    try {
      await this.#http.download(new URL(url), counted, { ...limits, maxBytes });
    } catch (error) {
      if (!(error instanceof HttpTrouble || error instanceof HttpStatusError)) throw error;
      throw downloadFailed(errorText(error), error);
    }
    if (size !== undefined && counted.bytes !== size) {
      throw downloadFailed(`expected ${size} bytes, received ${counted.bytes}`);
    }
  }

  async still(mark: string): Promise<Pick<Asked, 'reports'> | undefined> {
    const etag = etagOf(mark, this.#index);
    if (etag === undefined) return undefined;
    const answer = await this.#question.unchangedSince(etag);
    return answer && { reports: wishOf(answer) };
  }

  async #askIndex(entries: readonly ManifestEntry[]): Promise<Indexed> {
    const remembered = recall(this.#memory.recall(), this.#index, this.#now());
    if (remembered.kind === 'no-index') return { kind: 'no-index', warnings: [] };
    const known = remembered.kind === 'index' ? stillKnown(remembered, entries) : undefined;
    try {
      const answer = await this.#question.ask(known?.etag);
      if (answer.status === 304 && known !== undefined) return indexed(known, answer);
      return this.#readAnswer(answer, entries);
    } catch (error) {
      if (isLasting(error)) return this.#withoutIndex(error.message);
      return { kind: 'trouble', error: asUpdateError(error) };
    }
  }

  #readAnswer(answer: TextAnswer, entries: readonly ManifestEntry[]): Indexed {
    const { url } = this.#index;
    if (NO_INDEX.includes(answer.status)) return this.#withoutIndex();
    if (answer.status === 304) throw badAnswer(`${printable(url)} has not changed, says HTTP 304 to a first request`);
    if (answer.status !== 200) throw statusError(answer.status, url);
    const index = readIndex(answer.text, printable(url));
    switch (index.kind) {
      case 'none':
        return this.#withoutIndex();
      case 'unusable':
        return this.#withoutIndex(`${printable(url)} cannot be used: ${index.why}`);
      case 'index': {
        const found = new Map(entries.map((entry) => [keyOf(entry), findInIndex(index.binaries, entry, this.#index)]));
        this.#memory.keep(indexAs(answer.etag, found, this.#index));
        return indexed({ etag: answer.etag, found }, answer);
      }
    }
  }

  /** Remembered for an hour: a server of another kind is not asked every minute for what it does not have. */
  #withoutIndex(why?: string): Indexed {
    this.#memory.keep(noIndexSince(this.#now(), this.#index));
    return { kind: 'no-index', warnings: why === undefined ? [] : [`${why}; asking once a binary for an hour`] };
  }

  async #fromIndex(
    entries: readonly ManifestEntry[],
    found: ReadonlyMap<string, Found>,
  ): Promise<ReadonlyMap<BinaryName, Answer>> {
    const elsewhere = entries.filter((entry) => found.get(keyOf(entry))?.kind === 'elsewhere');
    const answers = await askEach(elsewhere, this.#api, this.#http);
    for (const entry of entries) {
      const one = found.get(keyOf(entry));
      if (one !== undefined && one.kind !== 'elsewhere') answers.set(entry.name, answerOf(one, entry));
    }
    return answers;
  }
}

function indexed({ etag, found }: KnownIndex, answer: TextAnswer): Indexed {
  return { kind: 'index', etag, found, reports: wishOf(answer) };
}

/** The header that asks for reports, with the version of their form. */
function wishOf(answer: TextAnswer): ReportsWish {
  return answer.header('bin-manager-reports') === '1' ? 'wanted' : 'unasked';
}

/** What is remembered of all entries; undefined where something is missing, so that the index is asked for anew. */
function stillKnown(
  { etag, find }: Extract<Remembered, { kind: 'index' }>,
  entries: readonly ManifestEntry[],
): (KnownIndex & { readonly etag: string }) | undefined {
  const found = new Map<string, Found>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const one = find(key);
    if (one === undefined) return undefined;
    found.set(key, one);
  }
  return { etag, found };
}

function answerOf(found: Exclude<Found, { kind: 'elsewhere' }>, { path }: ManifestEntry): Answer {
  if (found.kind === 'refused') return { kind: 'refused', error: refusal(found) };
  const { version, build } = found;
  const [digest, ...also] = build.digests;
  const size = build.size === undefined ? {} : { size: build.size };
  return {
    kind: 'offered',
    release: { version, artifacts: [{ url: build.url, digest, also, target: path, ...size }] },
  };
}

function refusal({ reason, message }: Extract<Found, { kind: 'refused' }>): UpdateError {
  switch (reason) {
    case 'no-such-release':
      return noSuchRelease(message);
    case 'bad-answer':
      return badAnswer(message);
    case 'wrong-platform':
      return new UpdateError({ reason, fault: 'setup' }, message, { hint: 'Publish a build for this platform.' });
  }
}

function downloadFailed(message: string, cause?: unknown): UpdateError {
  return new UpdateError({ reason: 'download-failed', fault: 'transfer' }, message, { cause, ...hintOf(cause) });
}

/** Counts what reaches another sink. */
class CountedSink implements Sink {
  bytes = 0;
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.bytes += chunk.byteLength;
    await this.#sink.write(chunk);
  }

  async restart(): Promise<void> {
    this.bytes = 0;
    await this.#sink.restart();
  }
}
