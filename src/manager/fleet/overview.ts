import type { Host } from './host.ts';
import type { OfferedBinary, Offers } from './offers.ts';
import { HOST_STATES, type HostStanding, type HostState, hostStanding, type Standing } from './standing.ts';

/** How far the fleet is with one binary. A host counts once; what lost hosts run is not known, and they count as lost. */
export interface BinaryProgress {
  readonly name: string;
  /** Absent: not published here. */
  readonly offered?: OfferedBinary;
  readonly hosts: number;
  readonly standings: Readonly<Record<Standing | 'lost', number>>;
  /** Hosts by the version that they run, the most frequent first; without those that are lost. */
  readonly versions: readonly (readonly [version: string, hosts: number])[];
}

/** The whole fleet at one moment. */
export interface Overview {
  /** Milliseconds. */
  readonly at: number;
  /** Those that need somebody first, then by name. */
  readonly hosts: readonly HostStanding[];
  /** A host may be in several states, by several binaries; those that are `ok` or `lost` are in no other. */
  readonly states: Readonly<Record<HostState, number>>;
  /** What is published here first, then what hosts run besides; each by name. */
  readonly binaries: readonly BinaryProgress[];
}

/** Binaries that are not published here, and versions of one binary, are strangers' texts: no more of them are told apart. */
const MAX_FOREIGN = 50;
const MAX_VERSIONS = 50;

/** How urgent a host is: the first state that it is in. */
const URGENCY: readonly HostState[] = ['failed', 'rolled-back', 'lost', 'behind', 'updating', 'held', 'ok'];

/** Compares all hosts with what is offered. Pure; `now` in milliseconds. */
export function overviewOf(hosts: Iterable<Host>, offers: Offers, now: number): Overview {
  const counts = countStates();
  const tallies = new Map<string, Tally>([...offers.values()].map((offered) => [offered.name, newTally(offered)]));
  const ranked: (readonly HostStanding[])[] = URGENCY.map(() => []);
  for (const host of hosts) {
    const standing = hostStanding(host, offers, now);
    for (const state of standing.states) counts[state] += 1;
    const rank = URGENCY.findIndex((state) => standing.states.has(state));
    (ranked[rank] as HostStanding[]).push(standing);
    tallyHost(tallies, standing);
  }
  return {
    at: now,
    hosts: ranked.flatMap((some) => [...some].sort(byName)),
    states: counts,
    binaries: [...tallies.values()].map(progressOf),
  };
}

function byName({ host: a }: HostStanding, { host: b }: HostStanding): number {
  if (a.name === b.name) return a.id < b.id ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

function countStates(): Record<HostState, number> {
  return Object.fromEntries(HOST_STATES.map((state) => [state, 0])) as Record<HostState, number>;
}

interface Tally {
  readonly name: string;
  readonly offered?: OfferedBinary;
  hosts: number;
  readonly standings: Record<Standing | 'lost', number>;
  readonly versions: Map<string, number>;
}

function newTally(offered: OfferedBinary | { readonly name: string }): Tally {
  return {
    name: offered.name,
    ...('offers' in offered && { offered }),
    hosts: 0,
    standings: {
      current: 0,
      behind: 0,
      updating: 0,
      held: 0,
      'rolled-back': 0,
      'rollback-failed': 0,
      failed: 0,
      unknown: 0,
      lost: 0,
    },
    versions: new Map(),
  };
}

function tallyHost(tallies: Map<string, Tally>, { host, binaries, states }: HostStanding): void {
  const isLost = states.has('lost');
  for (const [index, { standing, version = 'unknown' }] of binaries.entries()) {
    const tally = tallyOf(tallies, host.binaries[index]?.name ?? '');
    if (tally === undefined) continue;
    tally.hosts += 1;
    tally.standings[isLost ? 'lost' : standing] += 1;
    if (isLost) continue;
    countUp(tally.versions, tally.versions.has(version) || tally.versions.size < MAX_VERSIONS ? version : 'others');
  }
}

function tallyOf(tallies: Map<string, Tally>, name: string): Tally | undefined {
  const there = tallies.get(name);
  if (there !== undefined) return there;
  const foreign = [...tallies.values()].filter(({ offered }) => offered === undefined).length;
  if (foreign >= MAX_FOREIGN) return undefined;
  const tally = newTally({ name });
  tallies.set(name, tally);
  return tally;
}

function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function progressOf({ versions, ...tally }: Tally): BinaryProgress {
  return { ...tally, versions: [...versions].sort(([, a], [, b]) => b - a) };
}
