import type { FastifyInstance } from 'fastify';
import { type MetricFamily, metricsText } from '../../platform/metrics-text.ts';
import type { ReleaseStore } from '../store.ts';
import type { AccessLog } from './access-log.ts';
import { API } from './addresses.ts';
import { type Counters, processFamilies, single } from './counters.ts';
import type { Reports } from './reports.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const NO_CACHE = { 'cache-control': 'no-cache' } as const;

export interface HealthOptions {
  readonly store: ReleaseStore;
  readonly counters: Counters;
  readonly log: AccessLog;
  readonly reports: Reports;
}

/** `/health`, which old clients ask first, and `/metrics`. */
export function healthRoutes(app: FastifyInstance, { store, counters, log, reports }: HealthOptions): void {
  for (const url of ['/health', `${API}health`]) {
    app.get(url, async (request, reply) => {
      request.label = 'health';
      const bins = (await store.names()).length;
      const health = { status: 'healthy', nodes_count: nodesOf(reports), bins_count: bins };
      return reply
        .headers(NO_CACHE)
        .header('content-type', 'application/json')
        .send(Buffer.from(`${JSON.stringify(health)}\n`));
    });
  }
  app.get('/metrics', async (request, reply) => {
    request.label = 'metrics';
    const families: readonly MetricFamily[] = [
      ...counters.families(),
      ...(await ownFamilies(app, { store, log })),
      ...processFamilies(),
      ...(reports.kind === 'taken' ? await reports.metrics() : []),
    ];
    return reply.headers(NO_CACHE).type(METRICS_TYPE).send(metricsText(families));
  });
}

function nodesOf(reports: Reports): number {
  return reports.kind === 'taken' ? reports.nodes() : 0;
}

function connections({ server }: FastifyInstance): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

async function ownFamilies(
  app: FastifyInstance,
  { store, log }: Pick<HealthOptions, 'store' | 'log'>,
): Promise<readonly MetricFamily[]> {
  return [
    single({
      name: 'bin_manager_connections',
      type: 'gauge',
      help: 'Open connections.',
      value: await connections(app),
    }),
    single({
      name: 'bin_manager_binaries',
      type: 'gauge',
      help: 'Binaries in the store.',
      value: (await store.names()).length,
    }),
    single({
      name: 'bin_manager_log_lines_dropped_total',
      type: 'counter',
      help: 'Lines of the access log that were lost.',
      value: log.dropped,
    }),
  ];
}
