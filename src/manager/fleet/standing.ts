import type { VersionName } from '../../domain/names.ts';
import { LATEST, STABLE } from '../catalog.ts';
import type { BinaryState, Host, HostBinary } from './host.ts';
import type { Offer, OfferedBinary, Offers } from './offers.ts';

/** Hosts tell of themselves every 15 minutes; three times of silence are no accident. */
export const LOST_MS = 46 * 60_000;
/** Hosts look every minute: one that still says that all is well after this has seen the new release. */
const NOTICED_MS = 2 * 60_000;

/** What is worth knowing of one binary on one host. */
export type Standing =
  /** Runs what its channel offers. */
  | 'current'
  /** Runs other bytes, and gives no reason. */
  | 'behind'
  | 'updating'
  /** Has another version on purpose: held, or pinned. */
  | 'held'
  /** The release failed here, and the former one runs again. */
  | 'rolled-back'
  | 'rollback-failed'
  /** The update failed before it began, or nothing is installed. */
  | 'failed'
  /** Not published here, or the host has not said what it runs. */
  | 'unknown';

export interface BinaryStanding {
  readonly standing: Standing;
  /** What it is compared with; absent where nothing is offered. */
  readonly offer?: Offer;
  /** Name of the version that runs, where anybody knows it. */
  readonly version?: string;
  /** Name of the version that the last update was to bring. */
  readonly tried?: string;
  /** Names of all versions that the store knows, by digest. */
  readonly versions?: OfferedBinary['versions'];
  /** Since when it does not run what is offered, in milliseconds. */
  readonly behindSince?: number;
}

/** What a host can be found by; one that is lost is nothing else, since nobody knows what it runs now. */
export const HOST_STATES = ['ok', 'behind', 'updating', 'held', 'rolled-back', 'failed', 'lost'] as const;
export type HostState = (typeof HOST_STATES)[number];

export interface HostStanding {
  readonly host: Host;
  /** In the order of the host's binaries. */
  readonly binaries: readonly BinaryStanding[];
  readonly states: ReadonlySet<HostState>;
}

/** Compares what a host has said with what is offered. Pure; `now` in milliseconds. */
export function hostStanding(host: Host, offers: Offers, now: number): HostStanding {
  const binaries = host.binaries.map((binary) => binaryStanding(host, binary, offers.get(binary.name)));
  return { host, binaries, states: statesOf(host, binaries, now) };
}

/** What was found `before` with the same offers, where it is still so. */
export function standingAgain(host: Host, now: number, before: HostStanding | undefined): HostStanding | undefined {
  if (before?.host !== host) return undefined;
  return before.states.has('lost') === now - host.lastSeen > LOST_MS ? before : undefined;
}

/** What one binary makes of its host. */
export const STATE_OF: Readonly<Record<Standing, HostState>> = {
  current: 'ok',
  unknown: 'ok',
  held: 'held',
  behind: 'behind',
  updating: 'updating',
  failed: 'failed',
  'rolled-back': 'rolled-back',
  'rollback-failed': 'failed',
};
const OK: ReadonlySet<HostState> = new Set(['ok']);
const LOST: ReadonlySet<HostState> = new Set(['lost']);

function statesOf(host: Host, binaries: readonly BinaryStanding[], now: number): ReadonlySet<HostState> {
  if (now - host.lastSeen > LOST_MS) return LOST;
  let states: Set<HostState> | undefined;
  for (const { standing } of binaries) {
    if (STATE_OF[standing] === 'ok') continue;
    states ??= new Set();
    states.add(STATE_OF[standing]);
  }
  return states ?? OK;
}

function binaryStanding(host: Host, binary: HostBinary, offered: OfferedBinary | undefined): BinaryStanding {
  const version = binary.version ?? versionOf(binary, offered);
  const offer = offered && followed(host, binary, offered);
  const standing =
    offer === undefined || offered === undefined ? unoffered(binary) : compared(host, binary, { offer, offered });
  const tried = offered?.versions.get(binary.target ?? '');
  const isBehind = offer !== undefined && !['current', 'held', 'unknown'].includes(standing);
  return {
    standing,
    ...(offer !== undefined && { offer }),
    ...(version !== undefined && { version }),
    ...(tried !== undefined && { tried }),
    ...(offered !== undefined && { versions: offered.versions }),
    ...(isBehind && { behindSince: Math.max(offer.since, host.firstSeen) }),
  };
}

function versionOf({ sha256, md5 }: HostBinary, offered: OfferedBinary | undefined): string | undefined {
  return offered?.versions.get(sha256 ?? '') ?? offered?.versions.get(md5 ?? '');
}

/** What a host should run: what its channel offers, or what it is pinned to. */
function followed(host: Host, binary: HostBinary, offered: OfferedBinary): Offer | undefined {
  const { follows } = binary;
  if (follows === undefined) return guessed(host, binary, offered);
  const channel = follows === LATEST ? STABLE : follows;
  const offer = offered.offers.find((one) => one.channel === channel);
  // Who runs what it is pinned to is compared with what the others get.
  return offer ?? (runsPinned(binary, offered) ? offered.offers[0] : pinOf(follows, offered));
}

function pinOf(follows: string, { versions }: OfferedBinary): Offer | undefined {
  const digests = [...versions].filter(([, version]) => version === follows).map(([digest]) => digest);
  if (digests.length === 0) return undefined;
  const version = follows as VersionName;
  return { channel: version, version, since: 0, digests: new Set(digests) };
}

function runsPinned(binary: HostBinary, offered: OfferedBinary): boolean {
  return binary.follows !== undefined && versionOf(binary, offered) === binary.follows;
}

/**
 * Older hosts do not say which channel they follow. It is `stable`, unless a host that runs what another channel offers
 * said that all is well when it must have seen that `stable` offers something else.
 */
function guessed(host: Host, binary: HostBinary, { offers }: OfferedBinary): Offer | undefined {
  const [first] = offers;
  if (first === undefined || runs(binary, first)) return first;
  const other = offers.find((offer) => runs(binary, offer));
  if (other === undefined) return first;
  return first.channel !== 'stable' || isContent(host, binary, first) ? other : first;
}

/** The host has seen this offer, and does not want it. */
function isContent(host: Host, { state }: HostBinary, offer: Offer): boolean {
  return state === 'ok' && host.listedAt !== undefined && host.listedAt > offer.since + NOTICED_MS;
}

function runs({ md5, sha256 }: HostBinary, { digests }: Offer): boolean {
  return sha256 === undefined ? md5 !== undefined && digests.has(md5) : digests.has(sha256);
}

/** Whatever runs, this is what counts. */
const WHATEVER_RUNS: Readonly<Partial<Record<BinaryState, Standing>>> = {
  proving: 'updating',
  updating: 'updating',
  'rollback-failed': 'rollback-failed',
  missing: 'failed',
};
/** Where other bytes run than those that are offered. */
const WHERE_OTHERS_RUN: Readonly<Partial<Record<BinaryState, Standing>>> = {
  held: 'held',
  'rolled-back': 'rolled-back',
  quarantined: 'rolled-back',
  failed: 'failed',
};

interface Comparison {
  readonly offer: Offer;
  readonly offered: OfferedBinary;
}

function compared(host: Host, binary: HostBinary, { offer, offered }: Comparison): Standing {
  const { state = 'ok' } = binary;
  const certain = WHATEVER_RUNS[state];
  if (certain !== undefined) return certain;
  if (runs(binary, offer)) return 'current';
  const told = WHERE_OTHERS_RUN[state];
  if (told !== undefined) return told;
  if (binary.md5 === undefined && binary.sha256 === undefined) return 'unknown';
  const isOnPurpose = binary.follows === undefined ? isContent(host, binary, offer) : runsPinned(binary, offered);
  return isOnPurpose ? 'held' : 'behind';
}

/** Of what is not published here only the host's own word is known. */
function unoffered({ state = 'ok' }: HostBinary): Standing {
  const told = state === 'held' || state === 'missing' ? undefined : (WHATEVER_RUNS[state] ?? WHERE_OTHERS_RUN[state]);
  return told ?? 'unknown';
}
