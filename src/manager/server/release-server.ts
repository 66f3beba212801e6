import type { FastifyInstance } from 'fastify';
import { errorText, RunError, systemCode } from '../../domain/errors.ts';
import { type HttpSocket, openSockets, renewCertificate, type TlsPair } from '../../platform/http-server.ts';
import type { TrustedProxies } from '../../platform/proxy-trust.ts';
import { ManagerError } from '../errors.ts';
import { openFleet } from '../fleet/fleet.ts';
import { StoreCatalogReader } from '../fleet/offers.ts';
import { fleetRoutes } from '../fleet/routes.ts';
import { type ListenAddress, listenText } from '../listen-address.ts';
import type { ReleaseStore } from '../store.ts';
import { note } from '../wording.ts';
import type { AccessLog } from './access-log.ts';
import { buildApp } from './app.ts';
import type { Limits } from './limits.ts';
import type { Reports } from './reports.ts';
import type { Tokens } from './tokens.ts';

const SWEEP_MS = 100;

export interface ReleaseServerOptions {
  readonly store: ReleaseStore;
  readonly address: ListenAddress;
  /** As they are now: they may be read anew. */
  readonly tokens: () => Tokens;
  readonly tls: TlsPair | undefined;
  /** Whose word on where a request comes from is believed. */
  readonly proxies: TrustedProxies;
  readonly limits: Limits;
  /** Whether hosts may say what they run. */
  readonly reports: 'taken' | 'none';
  /** From how many former releases an upload gets deltas. */
  readonly deltas: number;
  readonly log: AccessLog;
}

/** A release server that listens. */
export class ReleaseServer {
  /** With the port that it got. */
  readonly address: ListenAddress;
  readonly #running: Running;

  private constructor(running: Running, address: ListenAddress) {
    this.address = address;
    this.#running = running;
  }

  /** Throws {@link ManagerError} `refused` where it cannot listen. */
  static async open({ address, reports, ...rest }: ReleaseServerOptions): Promise<ReleaseServer> {
    const outOfTime = new AbortController();
    const fleet = reports === 'taken' ? await takeReports(rest.store) : NO_FLEET;
    try {
      const app = await buildApp({ ...rest, reports: fleet.reports, stop: outOfTime.signal });
      const sockets = openSockets(app.server);
      const bound = await listen(app, address);
      const { graceMs } = rest.limits;
      return new ReleaseServer({ app, sockets, graceMs, outOfTime, closeFleet: fleet.close }, bound);
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** Connections from now on get this certificate. */
  renew(pair: TlsPair): void {
    renewCertificate(this.#running.app.server, pair);
  }

  /** Takes no new requests, and ends when those that run are answered, or out of time. */
  async close(): Promise<void> {
    const { app, sockets, graceMs, outOfTime, closeFleet } = this.#running;
    const timer = setTimeout(() => {
      outOfTime.abort(new RunError('terminated', 'the server is being stopped'));
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    // Node closes those that are idle now; an answer that is still under way leaves one that is kept alive.
    const sweeper = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
    await app.close();
    clearInterval(sweeper);
    clearTimeout(timer);
    await closeFleet();
  }
}

interface Running {
  readonly app: FastifyInstance;
  readonly sockets: ReadonlySet<HttpSocket>;
  readonly graceMs: number;
  readonly outOfTime: AbortController;
  readonly closeFleet: () => Promise<void>;
}

interface TakenReports {
  readonly reports: Reports;
  readonly close: () => Promise<void>;
}

const NO_FLEET: TakenReports = { reports: { kind: 'none' }, close: () => Promise.resolve() };

async function takeReports(store: ReleaseStore): Promise<TakenReports> {
  const catalog = new StoreCatalogReader(store, note);
  const fleet = await openFleet({ directory: store.places.nodes, catalog, now: () => new Date() });
  return {
    reports: {
      kind: 'taken',
      routes: (app, gate) => fleetRoutes(app, { fleet, gate }),
      metrics: () => fleet.metrics(),
      nodes: () => fleet.size,
    },
    close: () => fleet.close(),
  };
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program listens there: stop it, or choose another --listen.',
  EACCES:
    'Ports below 1024 need a right of their own (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose another --listen.',
};

/** The address that is listened on. */
async function listen(app: FastifyInstance, address: ListenAddress): Promise<ListenAddress> {
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    const code = systemCode(error);
    if (!['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND', 'EAFNOSUPPORT'].includes(code ?? '')) throw error;
    throw new ManagerError('refused', `cannot listen on ${listenText(address)}: ${errorText(error)}`, {
      cause: error,
      hint: HINTS[code ?? ''] ?? 'Choose another --listen.',
    });
  }
  const bound = app.server.address();
  // A name may have several addresses, and one of them is listened on.
  return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : address;
}
