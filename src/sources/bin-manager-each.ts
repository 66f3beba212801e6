import { type Digest, type DigestAlgorithm, digestFromHex, isDigestOfNothing } from '../domain/digest.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { BinaryName } from '../domain/names.ts';
import type { Answer } from '../planning/decide.ts';
import type { Http } from '../platform/http.ts';
import { HttpTrouble, printable } from '../platform/http-trouble.ts';
import { asUpdateError, badAnswer, brief, isLasting, isObject, shown, statusError } from './bin-manager-trouble.ts';

const PARALLEL = 16;
const MAX_ANSWER_BYTES = 64 * 1024;
const ASK_TIMEOUT_MS = 20_000;
/**
 * Spellings of a digest that servers of this protocol have used, and what they hold; `hash` tells by its length. The
 * strongest comes first.
 */
const SPELLINGS: readonly (readonly [string, readonly DigestAlgorithm[]])[] = [
  ['sha256', ['sha256']],
  ['sha256sum', ['sha256']],
  ['md5', ['md5']],
  ['hash', ['md5', 'sha256']],
];

/** One request a binary: `GET {api}/releases/{version}/{name}/md5`. Answers for every entry. */
export async function askEach(
  entries: readonly ManifestEntry[],
  api: URL,
  http: Http,
): Promise<Map<BinaryName, Answer>> {
  const answers = new Map<BinaryName, Answer>();
  const queue = [...entries];
  let isSilent = true;
  const worker = async () => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      const answer = await askOne(entry, api, http);
      answers.set(entry.name, answer);
      isSilent &&= isSilence(answer);
      // A server that is down for the first of them is not asked a thousand more: each may take ten seconds.
      if (isSilent && answers.size >= PARALLEL) for (const { name } of queue.splice(0)) answers.set(name, answer);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, entries.length) }, worker));
  return answers;
}

async function askOne(entry: ManifestEntry, api: URL, http: Http): Promise<Answer> {
  try {
    const url = urlOf(api, entry, 'md5');
    const answer = await http.text(url, { maxBytes: MAX_ANSWER_BYTES, totalMs: ASK_TIMEOUT_MS });
    if (answer.status !== 200) throw statusError(answer.status, url);
    const [digest, ...also] = readDigests(answer.text, printable(url));
    const artifact = { url: urlOf(api, entry, 'download').href, digest, target: entry.path };
    return {
      kind: 'offered',
      release: { version: entry.version, artifacts: [also.length === 0 ? artifact : { ...artifact, also }] },
    };
  } catch (error) {
    return { kind: 'refused', error: asUpdateError(error) };
  }
}

/** Not a status: one that is busy with one binary may have an answer for the next. */
function isSilence(answer: Answer): boolean {
  return answer.kind === 'refused' && answer.error.cause instanceof HttpTrouble && !isLasting(answer.error.cause);
}

/** Invariant 10: every part is one encoded path segment. */
function urlOf(api: URL, entry: ManifestEntry, what: 'md5' | 'download'): URL {
  const base = api.href.replace(/\/+$/, '');
  const segments = [entry.version, entry.name].map((segment) => encodeURIComponent(segment));
  return new URL(`${base}/releases/${segments.join('/')}/${what}`);
}

/**
 * Reads digests tolerantly (any known spelling, at the top level or under `data`, any case, blanks around it) and
 * decides strictly (`code` 0, 200 or absent; hex of the right length; not the digest of nothing). The strongest comes
 * first and is what counts; the others are only names of the same bytes, and one that is not sound is left out.
 * Throws `UpdateError` `bad-answer`.
 */
export function readDigests(text: string, from: string): readonly [Digest, ...Digest[]] {
  const answer = parseObject(text, from);
  mustBeSuccess(answer, from);
  const data = isObject(answer['data']) ? answer['data'] : {};
  const written = SPELLINGS.flatMap(([spelling, algorithms]) => {
    const value = data[spelling] ?? answer[spelling];
    return value === undefined || value === null ? [] : [{ spelling, algorithms, value }];
  });
  // An empty one is a digest the server does not have, unless it has no other.
  const [first, ...rest] = written.toSorted((a, b) => Number(a.value === '') - Number(b.value === ''));
  if (first === undefined) {
    throw badAnswer(`${from} answers without a digest: expected {"code":0,"data":{"md5":"…"}}, found ${brief(text)}`);
  }
  const digest = digestOf(first);
  if (digest === undefined) {
    throw badAnswer(`${from} gives the ${first.spelling} ${shown(first.value)}, expected hex`);
  }
  const digests = [digest, ...rest.flatMap((one) => digestOf(one) ?? [])];
  if (digests.some(isDigestOfNothing)) throw badAnswer(`${from} offers an empty file`);
  const others = digests.filter(({ algorithm }, i) => digests.findIndex((one) => one.algorithm === algorithm) === i);
  return [digest, ...others.slice(1)];
}

interface Written {
  readonly algorithms: readonly DigestAlgorithm[];
  readonly value: unknown;
}

function digestOf({ algorithms, value }: Written): Digest | undefined {
  if (typeof value !== 'string') return undefined;
  return algorithms.map((one) => digestFromHex(one, value)).find((digest) => digest !== undefined);
}

function mustBeSuccess(answer: Readonly<Record<string, unknown>>, from: string): void {
  const code = answer['code'];
  if (code === undefined || code === 0 || code === 200) return;
  const message = typeof answer['message'] === 'string' ? `, "${answer['message'].slice(0, 200)}"` : '';
  throw badAnswer(`${from} answers with code ${shown(code)}${message}, expected 0`);
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
