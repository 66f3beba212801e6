import { z } from 'zod';
import { BINARY_NAME, type BinaryName } from '../../domain/names.ts';

/** How a binary does on a host: the words of bin-proxy's reports, and `updating` from the reports of progress. */
export const BINARY_STATES = [
  'ok',
  'proving',
  'updating',
  'held',
  'quarantined',
  'rolled-back',
  'rollback-failed',
  'failed',
  'missing',
] as const;

export type BinaryState = (typeof BINARY_STATES)[number];

/** What hosts may make us remember, and send. Lengths are in UTF-16 code units. */
export const HOST_LIMITS = {
  id: 128,
  name: 128,
  arch: 32,
  os: 128,
  agent: 64,
  version: 128,
  reason: 300,
  /** A release of several files has an id of several digests. */
  target: 300,
  binaries: 100,
  /** The last changes of a binary that are kept. */
  events: 10,
  /** All of one host, as JSON: the oldest changes go first, then the last binaries. */
  length: 96 * 1024,
  bodyBytes: 256 * 1024,
} as const;

const text = (max: number) => z.string().min(1).max(max);
/** Milliseconds since the epoch. */
const time = z.int().nonnegative();
const state = z.enum(BINARY_STATES);

/** A change: what a host said that it had not said before. */
const hostEvent = z.object({
  at: time,
  /** `updated`: an update ended well. `runs`: other bytes than before, and no word about why. */
  what: z.enum([...BINARY_STATES, 'updated', 'runs']),
  version: text(HOST_LIMITS.version).exactOptional(),
  /** Hex. */
  digest: text(HOST_LIMITS.target).exactOptional(),
  reason: text(HOST_LIMITS.reason).exactOptional(),
  /** How long it took. */
  seconds: z.int().nonnegative().exactOptional(),
});

const bytes = {
  version: text(HOST_LIMITS.version).exactOptional(),
  md5: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .exactOptional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
};

const hostBinary = z.object({
  name: z
    .string()
    .regex(BINARY_NAME)
    .transform((name) => name as BinaryName),
  ...bytes,
  /** What its manifest names: `latest`, a channel, or the version that it is pinned to. Absent: it has not said. */
  follows: text(HOST_LIMITS.version).exactOptional(),
  /** What it was offered for that, where that is not what it runs. */
  wanted: z.object(bytes).exactOptional(),
  /** Absent: the host has only said what it runs. */
  state: state.exactOptional(),
  /** When the state, or what runs, became so. */
  since: time,
  reason: text(HOST_LIMITS.reason).exactOptional(),
  /** What the last update that was told of was to bring: hex. */
  target: text(HOST_LIMITS.target).exactOptional(),
  /** Newest first. */
  events: z.array(hostEvent).max(HOST_LIMITS.events),
});

/** A line of the state file. What a later version has added to it is passed over. */
export const hostRecord = z.object({
  id: text(HOST_LIMITS.id),
  name: text(HOST_LIMITS.name),
  arch: text(HOST_LIMITS.arch).exactOptional(),
  os: text(HOST_LIMITS.os).exactOptional(),
  agent: text(HOST_LIMITS.agent).exactOptional(),
  firstSeen: time,
  lastSeen: time,
  /** When it last said all that it runs. */
  listedAt: time.exactOptional(),
  binaries: z.array(hostBinary).max(HOST_LIMITS.binaries),
});

type Deep<T> = T extends string | number | undefined
  ? T
  : T extends readonly (infer E)[]
    ? readonly Deep<E>[]
    : { readonly [K in keyof T]: Deep<T[K]> };

/** What hosts have said of themselves. Nobody has proven that it is so: every text in it is a stranger's. */
export type Host = Deep<z.output<typeof hostRecord>>;
export type HostBinary = Host['binaries'][number];
export type HostEvent = HostBinary['events'][number];
