import { setImmediate } from 'node:timers/promises';
import { HOST_LIMITS, type HostBinary } from './host.ts';
import type { Overview } from './overview.ts';
import { type Selection, selects } from './selection.ts';
import type { BinaryStanding, HostStanding } from './standing.ts';
import { inTurns } from './turns.ts';

const LIMIT = 1000;
const MAX_LIMIT = 10_000;
/** Hosts that are told of at once. */
const PART = 100;

/** Which of the selected hosts: those after an id, in the order of their ids. */
export interface Slice {
  readonly after: string;
  readonly limit: number;
}

/** From query parameters. */
export function readSlice(query: Readonly<Record<string, unknown>>): Slice {
  const { after, limit } = query;
  const wanted = typeof limit === 'string' && /^\d{1,6}$/.test(limit) ? Number(limit) : LIMIT;
  return {
    after: typeof after === 'string' ? after.slice(0, HOST_LIMITS.id) : '',
    limit: Math.min(Math.max(wanted, 1), MAX_LIMIT),
  };
}

/**
 * `GET /nodes`, as JSON in parts: others have their turn between them. `next` is there while there are more: ask for
 * those `after` it.
 */
export async function* nodesAnswer(overview: Overview, selection: Selection, slice: Slice): AsyncGenerator<string> {
  const { selected, nodes, next } = await sliceOf(overview, selects(selection), slice);
  const head = {
    schema: 'bin-manager/nodes/1',
    at: timeText(overview.at),
    hosts: overview.hosts.length,
    states: overview.states,
    selected,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"nodes":[`;
  for (let first = 0; first < nodes.length; first += PART) {
    const part = nodes.slice(first, first + PART).map((one) => JSON.stringify(nodeFields(one)));
    yield `${first === 0 ? '' : ','}${part.join(',')}`;
    await setImmediate();
  }
  yield next === undefined ? ']}\n' : `],"next":${JSON.stringify(next)}}\n`;
}

async function sliceOf(
  { standings }: Overview,
  isSelected: (one: HostStanding) => boolean,
  { after, limit }: Slice,
): Promise<{ readonly selected: number; readonly nodes: readonly HostStanding[]; readonly next?: string }> {
  const nodes: HostStanding[] = [];
  let selected = 0;
  let left = 0;
  await inTurns([...standings.values()], (one) => {
    if (!isSelected(one)) return;
    selected += 1;
    if (one.host.id <= after) return;
    if (nodes.length < limit) nodes.push(one);
    else left += 1;
  });
  const last = nodes.at(-1)?.host.id;
  return { selected, nodes, ...(left > 0 && last !== undefined && { next: last }) };
}

/** `GET /nodes/{id}`. */
export function nodeAnswer(standing: HostStanding) {
  return { schema: 'bin-manager/node/1', node: nodeFields(standing, 'with-events') };
}

function nodeFields({ host, binaries, states }: HostStanding, detail: 'brief' | 'with-events' = 'brief') {
  const { id, name, arch, os, agent } = host;
  return {
    id,
    name,
    states: [...states],
    arch,
    os,
    agent,
    firstSeen: timeText(host.firstSeen),
    lastSeen: timeText(host.lastSeen),
    binaries: host.binaries.map((binary, index) => ({
      ...binaryFields(binary, binaries[index]),
      ...(detail === 'with-events' && { events: binary.events.map((event) => ({ ...event, at: timeText(event.at) })) }),
    })),
  };
}

function binaryFields(binary: HostBinary, standing: BinaryStanding | undefined) {
  const { name, md5, sha256, follows, wanted, state, since, reason, target } = binary;
  const { offer, behindSince } = standing ?? {};
  return {
    name,
    standing: standing?.standing,
    version: standing?.version,
    md5,
    sha256,
    follows,
    wanted,
    state,
    since: timeText(since),
    reason,
    target,
    channel: offer?.channel,
    offered: offer?.version,
    behindSince: behindSince === undefined ? undefined : timeText(behindSince),
  };
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
