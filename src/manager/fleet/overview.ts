import type { Host } from './host.ts';
import type { OfferedBinary, Offers } from './offers.ts';
import {
  HOST_STATES,
  type HostStanding,
  type HostState,
  hostStanding,
  type Standing,
  standingAgain,
} from './standing.ts';
import { inTurns } from './turns.ts';

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
  /** The same by their ids, in the order of those. */
  readonly standings: ReadonlyMap<string, HostStanding>;
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

/** What is to be looked at. */
export interface View {
  /** The ids of the same hosts in both orders. */
  readonly byId: readonly string[];
  readonly byName: readonly string[];
  /** Undefined for one that has been forgotten meanwhile. */
  readonly hostOf: (id: string) => Host | undefined;
  readonly offers: Offers;
  /** Milliseconds. */
  readonly now: number;
}

/**
 * Compares all hosts with what is offered; others have their turn meanwhile. What was found before with the same offers
 * is found again for a host that has said nothing since.
 */
export async function overviewOf(view: View, before?: Overview): Promise<Overview> {
  const { byId, byName, offers, now } = view;
  const counts = countStates();
  const tallies = new Tallies(offers);
  const standings = new Map<string, HostStanding>();
  await inTurns(byId, (id) => {
    const host = view.hostOf(id);
    if (host === undefined) return;
    const standing = standingAgain(host, now, before?.standings.get(id)) ?? hostStanding(host, offers, now);
    standings.set(id, standing);
    for (const state of standing.states) counts[state] += 1;
    tallies.add(standing);
  });
  const ranked: readonly HostStanding[][] = URGENCY.map(() => []);
  await inTurns(byName, (id) => {
    const standing = standings.get(id);
    if (standing !== undefined) ranked[URGENCY.findIndex((state) => standing.states.has(state))]?.push(standing);
  });
  return { at: now, hosts: ranked.flat(), standings, states: counts, binaries: tallies.progress() };
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

/** Counts what hosts run, by binary. */
class Tallies {
  readonly #tallies: Map<string, Tally>;
  #foreign = 0;

  constructor(offers: Offers) {
    this.#tallies = new Map([...offers.values()].map((offered) => [offered.name, newTally(offered)]));
  }

  add({ host, binaries, states }: HostStanding): void {
    const isLost = states.has('lost');
    for (const [index, { standing, version = 'unknown' }] of binaries.entries()) {
      const tally = this.#tallyOf(host.binaries[index]?.name ?? '');
      if (tally === undefined) continue;
      tally.hosts += 1;
      tally.standings[isLost ? 'lost' : standing] += 1;
      if (isLost) continue;
      countUp(tally.versions, tally.versions.has(version) || tally.versions.size < MAX_VERSIONS ? version : 'others');
    }
  }

  progress(): readonly BinaryProgress[] {
    return [...this.#tallies.values()].map(progressOf);
  }

  #tallyOf(name: string): Tally | undefined {
    const there = this.#tallies.get(name);
    if (there !== undefined || this.#foreign >= MAX_FOREIGN) return there;
    this.#foreign += 1;
    const tally = newTally({ name });
    this.#tallies.set(name, tally);
    return tally;
  }
}

function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function progressOf({ versions, ...tally }: Tally): BinaryProgress {
  return { ...tally, versions: [...versions].sort(([, a], [, b]) => b - a) };
}
