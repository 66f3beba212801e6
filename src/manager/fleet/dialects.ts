import type { Host } from './host.ts';
import type { Fields, Speaker, VersionReport } from './reports.ts';

/** An answer: status and JSON body. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Three servers have answered differently, and who asks is known by how he names things:
 * `flat` says `node_id` and other names in snake case, `numbered` says `?node=` or only a `hash` (its code is the HTTP
 * status), `enveloped` says `nodeName`, or nothing at all (its code is 0).
 */
export type Style = 'flat' | 'numbered' | 'enveloped';

const SNAKE = ['node_id', 'cpu_arch', 'os_release', 'node_name', 'bin_proxy_version', 'sha256sum'];
const CAMEL = ['nodeName', 'cpuArch', 'osRelease', 'binProxyVersion'];

/** bin-proxy itself uses all names at once, and gets the flat answer. */
export function styleOf(query: Fields, body: Fields): Style {
  if ('node_id' in query || 'node_id' in body) return 'flat';
  if ('node' in query) return 'numbered';
  if (CAMEL.some((word) => word in body)) return 'proxyVersion' in body ? 'numbered' : 'enveloped';
  if (SNAKE.some((word) => word in body)) return 'flat';
  return 'hash' in body || 'proxyVersion' in body ? 'numbered' : 'enveloped';
}

/** Says what is wrong, in the words of whoever asked. */
function problem(style: Style, status: number, message: string): Answer {
  return { status, body: style === 'flat' ? { error: message } : { code: status, message } };
}

function success(style: 'numbered' | 'enveloped', data?: object): Answer {
  const code = style === 'numbered' ? 200 : 0;
  return { status: 200, body: { code, message: 'success', ...(data !== undefined && { data }) } };
}

/** `GET /keepalive` of a host that has not said who it is. */
export function keepaliveWithoutName(style: Style, address: string): Answer {
  // Clients that name nothing stop working on any other answer, and have no name here but their address.
  if (style === 'enveloped') return success(style, { nodeName: address, status: 'active' });
  return problem(style, 400, style === 'flat' ? 'node_id parameter required' : 'Node name is required');
}

/** `GET /keepalive`: 404 makes a client register. */
export function keepaliveFound(style: Style, host: Host | undefined): Answer {
  if (host === undefined) {
    const message = style === 'numbered' ? 'Node not found. Please POST to register.' : 'node not found';
    return problem(style, 404, message);
  }
  if (style === 'flat') return { status: 200, body: flatNode(host) };
  return success(style, style === 'numbered' ? numberedNode(host) : { nodeName: host.name, status: 'active' });
}

/** `POST /keepalive`. */
export function keepaliveTaken(style: Style, host: Host | undefined): Answer {
  if (host === undefined) {
    const missing = { flat: 'node_id required', numbered: 'Node name is required', enveloped: 'nodeName is required' };
    return problem(style, 400, missing[style]);
  }
  if (style === 'flat') return { status: 201, body: { message: 'node registered', node: flatNode(host) } };
  return style === 'numbered' ? success(style) : success(style, { nodeName: host.name, status: 'active' });
}

/** `POST /bins/{name}/progress`: every server that had it answered this. */
export function progressTaken(host: Host | undefined, binary: string, status: unknown): Answer {
  if (host === undefined) return problem('flat', 400, 'nodeName, targetHash and status required');
  return { status: 200, body: { message: 'progress recorded', nodeName: host.name, binName: binary, status } };
}

/** `POST /bins/{name}` that cannot be taken. */
export function versionRefused(style: Style): Answer {
  const missing = {
    flat: 'sha256sum and node_id required',
    numbered: 'hash is required',
    enveloped: 'nodeName and sha256 or md5 are required',
  };
  return problem(style, 400, missing[style]);
}

/** `POST /bins/{name}`. It says what one host runs; no report changes what is offered. */
export function versionTaken(style: Style, { id, name }: Speaker, report: VersionReport): Answer {
  const { binary, sha256, md5 } = report;
  switch (style) {
    case 'numbered':
      return success(style);
    case 'enveloped':
      return success(style, { nodeName: name, binName: binary });
    case 'flat': {
      const body = { message: 'version recorded', node_id: id, bin_name: binary, sha256sum: sha256 ?? md5 };
      return { status: 200, body };
    }
  }
}

/** A name that can be none, and a body that is no JSON object: for every style at once. */
export function refusedForAll(status: number, message: string): Answer {
  return { status, body: { code: status, message, error: message, data: null } };
}

function flatNode(host: Host) {
  return {
    node_id: host.id,
    cpu_arch: host.arch ?? '',
    os_release: host.os ?? '',
    node_name: host.name,
    bin_proxy_version: host.agent ?? '',
    last_seen: new Date(host.lastSeen).toISOString(),
  };
}

function numberedNode(host: Host) {
  return {
    name: host.name,
    cpuArch: host.arch ?? '',
    osRelease: host.os ?? '',
    proxyVersion: host.agent ?? '',
    binaries: host.binaries.map(({ name, version, md5, sha256, since }) => ({
      name,
      version: version ?? 'latest',
      hash: md5 ?? sha256 ?? '',
      updatedAt: new Date(since).toISOString(),
    })),
    lastSeen: new Date(host.lastSeen).toISOString(),
  };
}
