import { type DigestAlgorithm, digestFromHex } from '../../domain/digest.ts';
import { type BinaryName, isBinaryName } from '../../domain/names.ts';
import { BINARY_STATES, type BinaryState, HOST_LIMITS } from './host.ts';
import { reportedText, reportedTime } from './reported-text.ts';

/** A body or a query as it came: any JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Who speaks. One of both is there; without an id it is looked for by name. */
export interface Speaker {
  readonly id?: string;
  readonly name?: string;
}

/** What runs: digests in lower-case hex. */
export interface Bytes {
  readonly md5?: string;
  readonly sha256?: string;
}

export interface ListedBinary extends Bytes {
  readonly name: BinaryName;
  readonly version?: string;
  /** `latest`, a channel, or the version that it is pinned to. Absent: an older host, which does not say. */
  readonly follows?: string;
  /** What was offered when it last looked. */
  readonly wanted?: Bytes & { readonly version?: string };
  readonly state?: BinaryState;
  readonly since?: number;
  readonly reason?: string;
}

/** `POST /keepalive`. */
export interface Keepalive {
  readonly name?: string;
  readonly arch?: string;
  readonly os?: string;
  readonly agent?: string;
  /** Absent: the host has not said what it runs. */
  readonly binaries?: readonly ListedBinary[];
}

export type ProgressStatus = 'in_progress' | 'success' | 'failed' | 'rolled_back' | 'rollback_failed';

/** `POST /bins/{name}/progress`. */
export interface Progress {
  readonly binary: BinaryName;
  readonly status: ProgressStatus;
  /** The release, by its digests. */
  readonly target: string;
  readonly seconds?: number;
  readonly reason?: string;
}

/** `POST /bins/{name}`: what runs now. */
export interface VersionReport extends Bytes {
  readonly binary: BinaryName;
  readonly version?: string;
}

const STATUSES: ReadonlySet<unknown> = new Set<ProgressStatus>([
  'in_progress',
  'success',
  'failed',
  'rolled_back',
  'rollback_failed',
]);

/** Names are taken from the body and from the query; both naming styles, and that of the first server (`name`). */
export function readSpeaker(query: Fields, body: Fields): Speaker {
  const id = first([query['node_id'], body['node_id']], HOST_LIMITS.id);
  const name = first(
    [body['nodeName'], body['node_name'], query['node'], query['nodeName'], body['name']],
    HOST_LIMITS.name,
  );
  return compact({ id: isPathSafe(id) ? id : undefined, name: isPathSafe(name) ? name : undefined });
}

/** What a host says of itself. Whatever is not understood is left out: a report is better than none. */
export function readKeepalive(body: Fields, now: number): Keepalive {
  const { binaries } = body;
  return compact({
    name: first([body['nodeName'], body['node_name'], body['name']], HOST_LIMITS.name),
    arch: first([body['cpuArch'], body['cpu_arch']], HOST_LIMITS.arch),
    os: first([body['osRelease'], body['os_release']], HOST_LIMITS.os),
    agent: first([body['binProxyVersion'], body['bin_proxy_version'], body['proxyVersion']], HOST_LIMITS.agent),
    binaries: Array.isArray(binaries) ? readBinaries(binaries, now) : undefined,
  });
}

/** Undefined without a release or with a status that is none. */
export function readProgress(binary: BinaryName, body: Fields): Progress | undefined {
  const target = first([body['targetHash'], body['target_hash']], HOST_LIMITS.target);
  const status = body['status'];
  if (target === undefined || !isStatus(status)) return undefined;
  return compact({
    binary,
    target: digestFromHex('sha256', target)?.hex ?? digestFromHex('md5', target)?.hex ?? target,
    // Older servers know only `failed`: bin-proxy tells them that, and us the rest.
    status: status === 'failed' ? failure(body['outcome']) : status,
    seconds: seconds(body['processingTime'] ?? body['processing_time']),
    reason: reportedText(body['reason'], HOST_LIMITS.reason),
  });
}

/** Undefined without a digest. */
export function readVersionReport(binary: BinaryName, body: Fields): VersionReport | undefined {
  const bytes = readBytes(body);
  if (bytes.md5 === undefined && bytes.sha256 === undefined) return undefined;
  return compact({ binary, ...bytes, version: releaseVersion(body['version']) });
}

function readBinaries(list: readonly unknown[], now: number): readonly ListedBinary[] {
  const read = new Map<string, ListedBinary>();
  for (const entry of list.slice(0, HOST_LIMITS.binaries)) {
    if (typeof entry !== 'object' || entry === null) continue;
    const fields = entry as Fields;
    const { name } = fields;
    if (typeof name !== 'string' || !isBinaryName(name)) continue;
    const binary: ListedBinary = compact({
      name,
      version: releaseVersion(fields['version']),
      ...readBytes(fields),
      follows: reportedText(fields['follows'], HOST_LIMITS.version),
      wanted: readWanted(fields['wanted']),
      state: BINARY_STATES.find((state) => state === fields['state']),
      since: reportedTime(fields['since'] ?? fields['updatedAt'], now),
      reason: reportedText(fields['reason'], HOST_LIMITS.reason),
    });
    read.set(name, binary);
  }
  return [...read.values()];
}

function readWanted(value: unknown): ListedBinary['wanted'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Fields;
  const bytes = readBytes(fields);
  const isKnown = bytes.md5 !== undefined || bytes.sha256 !== undefined;
  return isKnown ? compact({ ...bytes, version: releaseVersion(fields['version']) }) : undefined;
}

/** `hash` is the word of the first server, and of no algorithm: its length tells which. */
function readBytes(fields: Fields): Bytes {
  const hex = (algorithm: DigestAlgorithm, words: readonly unknown[]) =>
    words.flatMap((word) => (typeof word === 'string' ? (digestFromHex(algorithm, word)?.hex ?? []) : []))[0];
  return compact({
    md5: hex('md5', [fields['md5'], fields['hash']]),
    sha256: hex('sha256', [fields['sha256'], fields['sha256sum'], fields['hash']]),
  });
}

/** `latest` names no version: clients that know no better always say it. */
function releaseVersion(value: unknown): string | undefined {
  const version = reportedText(value, HOST_LIMITS.version);
  return version === 'latest' ? undefined : version;
}

function isStatus(value: unknown): value is ProgressStatus {
  return STATUSES.has(value);
}

function failure(outcome: unknown): ProgressStatus {
  if (outcome === 'rolled-back' || outcome === 'rolled_back') return 'rolled_back';
  return outcome === 'rollback-failed' || outcome === 'rollback_failed' ? 'rollback_failed' : 'failed';
}

function seconds(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number.parseInt(value, 10) : value;
  return typeof number === 'number' && number >= 0 && number < 1e9 ? Math.round(number) : undefined;
}

function first(values: readonly unknown[], max: number): string | undefined {
  for (const value of values) {
    const text = reportedText(value, max);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Browsers resolve these two in a path, so that a link to such a host would lead elsewhere (invariant 10). */
function isPathSafe(text: string | undefined): boolean {
  return text !== '.' && text !== '..';
}

type Compact<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without what is undefined. */
export function compact<T extends object>(fields: T): Compact<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Compact<T>;
}
