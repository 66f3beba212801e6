import { type Digest, digestFromHex, isDigestOfNothing } from '../domain/digest.ts';
import { isVersionName } from '../domain/names.ts';
import { ANY_PLATFORM } from '../domain/platform.ts';
import { badAnswer, brief, isObject, shown } from './bin-manager-trouble.ts';

const SCHEMA = 'bin-manager/index/1';
const LATEST_CHANNEL = 'stable';
/** The document itself has six levels. Parsing what is nested a million times takes most of a host's memory. */
const MAX_DEPTH = 64;
const MAX_URL_LENGTH = 2_048;
const MAX_TOLD = 8;

/** What an address below the API answered when it was asked for an index. */
export type IndexText =
  | { readonly kind: 'index'; readonly binaries: Readonly<Record<string, unknown>> }
  /** Something else altogether: a server that has no index answers everything with a page. */
  | { readonly kind: 'none' }
  /** An index, but not one that this version can read. */
  | { readonly kind: 'unusable'; readonly why: string };

/** What an index says about one entry of the manifest; it is kept from tick to tick in this form. */
export type Found =
  | { readonly kind: 'offered'; readonly version: string; readonly build: Build }
  | { readonly kind: 'refused'; readonly reason: RefusedReason; readonly message: string }
  /** A fixed version that no channel is at: the index has no word about it. */
  | { readonly kind: 'elsewhere' };

export type RefusedReason = 'no-such-release' | 'wrong-platform' | 'bad-answer';

/** One artifact of an index. */
export interface Build {
  readonly url: string;
  /** The strongest first. */
  readonly digests: readonly [Digest, ...Digest[]];
  readonly size?: number;
}

/** Where an index stands, and for whom it is read. */
export interface IndexPlace {
  readonly url: URL;
  readonly platform: string;
}

/** Throws `UpdateError` `bad-answer` for what begins as an index and breaks off. */
export function readIndex(text: string, from: string): IndexText {
  if (!/^\s*\{/.test(text)) return { kind: 'none' };
  if (isDeep(text)) return { kind: 'unusable', why: `it is nested more than ${MAX_DEPTH} levels deep` };
  const value = parse(text, from);
  const schema = isObject(value) && Object.hasOwn(value, 'schema') ? value['schema'] : undefined;
  if (!isObject(value) || typeof schema !== 'string' || !/^bin-manager\/index\/\d+$/.test(schema)) {
    return { kind: 'none' };
  }
  if (schema !== SCHEMA) return { kind: 'unusable', why: `its schema is ${shown(schema)}, expected "${SCHEMA}"` };
  const { binaries } = value;
  return isObject(binaries)
    ? { kind: 'index', binaries }
    : { kind: 'unusable', why: `expected an object under "binaries", found ${shown(binaries)}` };
}

function parse(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badAnswer(`${from} does not answer in whole JSON: found ${brief(text)}`);
  }
}

/**
 * What an index says about one entry. `latest` is the channel `stable`, and a channel's name is that channel; anything
 * else is a fixed version, which the index knows where a channel is at it.
 */
export function findInIndex(
  binaries: Readonly<Record<string, unknown>>,
  { name, version }: { readonly name: string; readonly version: string },
  place: IndexPlace,
): Found {
  try {
    const channels = channelsOf(binaries, name);
    const wanted = version === 'latest' ? LATEST_CHANNEL : version;
    if (Object.hasOwn(channels, wanted)) return inChannel(channels[wanted], place);
    const channel = Object.values(channels).find((one) => own(one, 'version') === version);
    if (channel !== undefined) return inChannel(channel, place);
    if (version !== 'latest') return { kind: 'elsewhere' };
    const names = told(Object.keys(channels));
    const story = Object.hasOwn(binaries, name)
      ? `the index has no channel "${LATEST_CHANNEL}" of ${name}, but ${names}`
      : `the index does not name ${name}`;
    return { kind: 'refused', reason: 'no-such-release', message: story };
  } catch (error) {
    if (!(error instanceof Unsound)) throw error;
    return { kind: 'refused', reason: 'bad-answer', message: `the index says of ${name}: ${error.message}` };
  }
}

/** Something in the part of an index that is about one binary. The others are none the worse for it. */
class Unsound extends Error {
  override readonly name = 'Unsound';
}

function channelsOf(binaries: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  if (!Object.hasOwn(binaries, name)) return {};
  const channels = own(binaries[name], 'channels');
  if (!isObject(channels)) throw new Unsound(`expected an object under "channels", found ${shown(channels)}`);
  return channels;
}

function inChannel(channel: unknown, { url, platform }: IndexPlace): Found {
  const version = own(channel, 'version');
  if (typeof version !== 'string' || !isVersionName(version)) {
    throw new Unsound(`expected a version such as "1.4.2", found ${shown(version)}`);
  }
  const artifacts = own(channel, 'artifacts');
  if (!Array.isArray(artifacts)) throw new Unsound(`expected a list under "artifacts", found ${shown(artifacts)}`);
  const platforms = artifacts.map((one: unknown) => own(one, 'platform'));
  const index = [platform, ANY_PLATFORM].map((one) => platforms.indexOf(one)).find((at) => at !== -1);
  if (index !== undefined) return { kind: 'offered', version, build: readBuild(artifacts[index], url) };
  const message = `${version} has ${told(platforms)}, this host is ${platform}`;
  return { kind: 'refused', reason: 'wrong-platform', message };
}

/** Reads one artifact strictly: what is written here decides what root runs. Throws {@link Unsound}. */
function readBuild(artifact: unknown, base: URL): Build {
  const digests = (['sha256', 'md5'] as const).flatMap((algorithm): readonly Digest[] => {
    const written = own(artifact, algorithm);
    if (written === undefined || written === null) return [];
    const digest = typeof written === 'string' ? digestFromHex(algorithm, written) : undefined;
    if (digest === undefined) throw new Unsound(`expected ${algorithm} in hex, found ${shown(written)}`);
    if (isDigestOfNothing(digest)) throw new Unsound('it offers an empty file');
    return [digest];
  });
  const [first, ...others] = digests;
  if (first === undefined) throw new Unsound('it offers a file without a digest');
  const size = own(artifact, 'size');
  if (size !== undefined && !(Number.isSafeInteger(size) && Number(size) > 0)) {
    throw new Unsound(`expected a size in bytes, found ${shown(size)}`);
  }
  const url = readUrl(own(artifact, 'url'), base);
  return { url, digests: [first, ...others], ...(size !== undefined && { size: Number(size) }) };
}

/** The rules of a redirect: whoever wrote the index must not send a host where a redirect must not. */
function readUrl(written: unknown, base: URL): string {
  if (typeof written !== 'string' || written.length > MAX_URL_LENGTH || !URL.canParse(written, base.href)) {
    throw new Unsound(`expected the address of the file, found ${shown(written)}`);
  }
  const url = new URL(written, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Unsound(`the file is at a ${url.protocol} address, expected http: or https:`);
  }
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    throw new Unsound(`the file is at ${url.origin}: https must not become http`);
  }
  if (url.username !== '' || url.password !== '') throw new Unsound(`the file is at ${url.origin} with credentials`);
  return url.href;
}

/** A property of its own: `constructor` and `__proto__` are names like any other. */
function own(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function told(names: readonly unknown[]): string {
  if (names.length === 0) return 'none';
  const more = names.length > MAX_TOLD ? ` and ${names.length - MAX_TOLD} more` : '';
  const some = names.slice(0, MAX_TOLD).map((name) => (typeof name === 'string' ? name.slice(0, 40) : shown(name)));
  return `${some.join(', ')}${more}`;
}

/** Counts brackets outside of texts, which is all that the depth of JSON is. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfText(text, at);
    else if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Where the text that begins at a quote ends; the end of everything where it does not. */
function endOfText(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}
