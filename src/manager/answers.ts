import type { DigestAlgorithm } from '../domain/digest.ts';
import type { BinaryName } from '../domain/names.ts';
import { type Artifact, artifactFor, type Catalog, findRelease, type Release } from './catalog.ts';

/** What hosts are told, as text. The same for static files and for a server, byte for byte. */

/** `{"code":0,"message":"success","data":{"md5":"…"}}`: without blanks, for clients that look for `"md5":"`. */
export function digestAnswer(algorithm: DigestAlgorithm, artifact: Artifact): string {
  return success({ [algorithm]: artifact[algorithm] });
}

/** Where nothing is offered. `message` and `error` are for clients of either kind; config/nginx.conf says the same. */
export const NO_SUCH_RELEASE = '{"code":404,"message":"no such release","error":"binary not found","data":null}\n';

/**
 * All about one release, for `bins/{name}` and `releases/{version}/{name}/release.json`, in every known spelling: under
 * `data`, and beside it for clients that know no envelope.
 */
export function releaseAnswer(name: BinaryName, release: Release): string {
  const { version } = release;
  const usual = artifactFor(release);
  const digests = usual && { md5: usual.md5, sha256: usual.sha256, sha256sum: usual.sha256 };
  const data = {
    name,
    version,
    ...digests,
    ...(usual !== undefined && { hash: usual.md5, size: usual.size }),
    artifacts: sortedArtifacts(release).map(told),
  };
  return success(data, { bin_name: name, version, ...digests });
}

/**
 * `index.json`: what every channel of every binary points at. A host makes one conditional request of it a tick, so the
 * text depends on nothing but what is offered. `kept` are entries of an earlier one, for names without a catalog.
 */
export function indexAnswer(catalogs: Iterable<Catalog>, kept: readonly IndexEntry[] = []): string {
  const made = [...catalogs].flatMap((catalog): readonly IndexEntry[] => {
    const channels = channelsOf(catalog);
    return channels.length === 0 ? [] : [[catalog.name, { channels: Object.fromEntries(channels) }]];
  });
  const binaries = [...made, ...kept].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify({ schema: 'bin-manager/index/1', binaries: Object.fromEntries(binaries) })}\n`;
}

export type IndexEntry = readonly [name: string, entry: unknown];

/** What an index says of these names; nothing where it cannot be read. */
export function indexEntries(text: string, names: ReadonlySet<string>): readonly IndexEntry[] {
  try {
    const { binaries } = JSON.parse(text) as { readonly binaries?: unknown };
    return Object.entries(binaries ?? {}).filter(([name]) => names.has(name));
  } catch {
    return [];
  }
}

function channelsOf(catalog: Catalog) {
  return catalog.channels
    .map(({ channel }) => channel)
    .sort()
    .flatMap((channel) => {
      const release = findRelease(catalog, channel);
      if (release === undefined) return [];
      return [[channel, { version: release.version, artifacts: sortedArtifacts(release).map(told) }] as const];
    });
}

function sortedArtifacts({ artifacts }: Release): readonly Artifact[] {
  return [...artifacts].sort((a, b) => (a.platform < b.platform ? -1 : 1));
}

function told({ platform, size, md5, sha256 }: Artifact) {
  return { platform, size, md5, sha256, url: artifactAddress(sha256) };
}

/** Relative to the base of the API. */
export function artifactAddress(sha256: string): string {
  return `artifacts/${sha256}`;
}

function success(data: Readonly<Record<string, unknown>>, beside: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({ code: 0, message: 'success', data, ...beside })}\n`;
}
