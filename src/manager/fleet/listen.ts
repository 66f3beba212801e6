import { type BinaryState, HOST_LIMITS, type Host, type HostBinary, type HostEvent } from './host.ts';
import {
  type Bytes,
  compact,
  type Keepalive,
  type ListedBinary,
  type Progress,
  type ProgressStatus,
  type VersionReport,
} from './reports.ts';
import { fitted } from './weight.ts';

/** What a host has said until now, and what it says, make what is known of it. Pure; `now` in milliseconds. */

/** A host that says something for the first time. */
export function newHost(id: string, name: string, now: number): Host {
  return { id, name, firstSeen: now, lastSeen: now, binaries: [] };
}

/** Whatever is said in a keepalive replaces what was known; what is not said stays. */
export function afterKeepalive(host: Host, { binaries, ...facts }: Keepalive, now: number): Host {
  if (binaries === undefined) return { ...host, ...facts, lastSeen: now };
  const former = new Map(host.binaries.map((one) => [one.name, one]));
  return fitted({
    ...host,
    ...facts,
    lastSeen: now,
    listedAt: now,
    binaries: binaries.map((listed) => afterListing(former.get(listed.name), listed, now)),
  });
}

const STATE_AFTER: Readonly<Record<ProgressStatus, BinaryState | undefined>> = {
  in_progress: 'updating',
  success: undefined,
  failed: 'failed',
  rolled_back: 'rolled-back',
  rollback_failed: 'rollback-failed',
};

export function afterProgress(host: Host, progress: Progress, now: number): Host {
  const { binary: name, status, target, reason } = progress;
  const { state: _, reason: __, ...former } = binaryOf(host, name, now);
  const state = STATE_AFTER[status];
  const event: HostEvent = compact({
    at: now,
    what: state ?? 'updated',
    digest: target,
    reason,
    seconds: status === 'in_progress' ? undefined : progress.seconds,
  });
  const known: HostBinary = compact({ ...former, state, since: now, reason, target });
  const bytes = bytesFrom(target);
  // A success names its release by a digest of the bytes that run now, and says nothing of their version.
  const changed = status === 'success' && bytes !== undefined ? running(known, bytes) : known;
  return withBinary(host, withEvent(changed, event), now);
}

export function afterVersion(host: Host, report: VersionReport, now: number): Host {
  const { binary: name, ...bytes } = report;
  const { state, reason, ...former } = binaryOf(host, name, now);
  const known = running(former, bytes);
  const isNew = !isSameBytes(former, bytes);
  const isTarget = former.target !== undefined && [bytes.md5, bytes.sha256].includes(former.target);
  // After a rollback hosts say what runs again: that makes nothing undone of what they said before it.
  const isOver = isTarget || state === undefined || state === 'updating' || (isNew && state === 'ok');
  const told: HostBinary = isOver ? known : compact({ ...known, state, reason });
  if (!isNew) return withBinary(host, told, now);
  const event: HostEvent = compact({ at: now, what: 'runs', version: bytes.version, digest: hexOf(bytes) });
  return withBinary(host, withEvent(isOver ? { ...told, since: now } : told, event), now);
}

function afterListing(former: HostBinary | undefined, listed: ListedBinary, now: number): HostBinary {
  const { name, state, since, reason, version, follows } = listed;
  const isSame = former !== undefined && former.state === state && isSameBytes(former, listed);
  const told: HostBinary = compact({
    name,
    version: version ?? (isSame ? former.version : undefined),
    md5: listed.md5,
    sha256: listed.sha256,
    follows,
    wanted: unmet(listed),
    state,
    since: since ?? (isSame ? former.since : now),
    reason,
    target: former?.target,
    events: former?.events ?? [],
  });
  if (isSame) return told;
  const isQuiet = former === undefined ? state === undefined || state === 'ok' : isEndOfUpdate(former, told);
  if (isQuiet) return told;
  return withEvent(told, compact({ at: told.since, what: state ?? 'runs', version, digest: hexOf(listed), reason }));
}

/** What a host wants, where that is not what it runs: of most hosts there is nothing to remember. */
function unmet({ wanted, ...runs }: ListedBinary): ListedBinary['wanted'] {
  return wanted === undefined || isSameBytes(wanted, runs) ? undefined : wanted;
}

/** A keepalive that only says again what the report of an update has said. */
function isEndOfUpdate(former: HostBinary, told: HostBinary): boolean {
  return told.state === 'ok' && former.state === undefined && isSameBytes(former, told);
}

function binaryOf(host: Host, name: HostBinary['name'], now: number): HostBinary {
  return host.binaries.find((one) => one.name === name) ?? { name, since: now, events: [] };
}

function withBinary(host: Host, binary: HostBinary, now: number): Host {
  const others = host.binaries.filter(({ name }) => name !== binary.name);
  if (others.length >= HOST_LIMITS.binaries) return { ...host, lastSeen: now };
  const binaries = [...others, binary].sort((a, b) => (a.name < b.name ? -1 : 1));
  return fitted({ ...host, lastSeen: now, binaries });
}

function withEvent(binary: HostBinary, event: HostEvent): HostBinary {
  return { ...binary, events: [event, ...binary.events].slice(0, HOST_LIMITS.events) };
}

/** The binary with other bytes; what was known of the former ones goes with them. */
function running(binary: HostBinary, { md5, sha256, version }: Bytes & { readonly version?: string }): HostBinary {
  const { md5: _, sha256: __, version: formerVersion, wanted, ...rest } = binary;
  const isSame = isSameBytes(binary, compact({ md5, sha256 }));
  const known = isSame ? { version: formerVersion, wanted } : {};
  return compact({ ...rest, ...known, md5, sha256, ...(version !== undefined && { version }) });
}

/** Hosts may say one digest now and both then; one that both have decides. */
function isSameBytes(one: Bytes, other: Bytes): boolean {
  if (one.sha256 !== undefined && other.sha256 !== undefined) return one.sha256 === other.sha256;
  if (one.md5 !== undefined && other.md5 !== undefined) return one.md5 === other.md5;
  return hexOf(one) === hexOf(other);
}

function hexOf({ md5, sha256 }: Bytes): string | undefined {
  return sha256 ?? md5;
}

function bytesFrom(target: string): Bytes | undefined {
  if (/^[0-9a-f]{64}$/.test(target)) return { sha256: target };
  return /^[0-9a-f]{32}$/.test(target) ? { md5: target } : undefined;
}
