import { setImmediate } from 'node:timers/promises';
import { HOST_LIMITS, type HostBinary } from './host.ts';
import type { Overview } from './overview.ts';
import { type Selection, selected } from './selection.ts';
import type { BinaryStanding, HostStanding } from './standing.ts';

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
  const { after, limit } = slice;
  const found = selected([...overview.standings.values()], selection);
  const rest = found.filter(({ host }) => host.id > after);
  const nodes = rest.slice(0, limit);
  const head = {
    schema: 'bin-manager/nodes/1',
    at: timeText(overview.at),
    hosts: overview.hosts.length,
    states: overview.states,
    selected: found.length,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"nodes":[`;
  for (let next = 0; next < nodes.length; next += PART) {
    const part = nodes.slice(next, next + PART).map((one) => JSON.stringify(nodeFields(one)));
    yield `${next === 0 ? '' : ','}${part.join(',')}`;
    await setImmediate();
  }
  yield rest.length > nodes.length ? `],"next":${JSON.stringify(nodes.at(-1)?.host.id)}}\n` : ']}\n';
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
