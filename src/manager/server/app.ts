import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance } from 'fastify';
import type { ReleaseStore } from '../store.ts';
import type { AccessLog } from './access-log.ts';
import { Counters } from './counters.ts';
import { guard } from './guard.ts';
import { healthRoutes } from './health-routes.ts';
import { appLimits, type Limits, MAX_CONNECTIONS, nodeLimits } from './limits.ts';
import { REPORTS_HEADER, type Reports } from './reports.ts';
import type { TlsPair } from './secrets.ts';
import { StaticFiles } from './static-files.ts';
import { staticRoutes } from './static-routes.ts';
import type { TokenHolder, Tokens } from './tokens.ts';
import { sendNothing, sendTrouble } from './trouble.ts';
import { uploadRoute } from './upload-route.ts';
import { watchWith } from './watch.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request was about, in the metrics. */
    label: string | undefined;
    /** Whose token it came with, where one was needed. */
    holder: TokenHolder | undefined;
  }
}

export interface AppOptions {
  readonly store: ReleaseStore;
  /** As they are now: they may be read anew. */
  readonly tokens: () => Tokens;
  readonly tls: TlsPair | undefined;
  readonly limits: Limits;
  readonly reports: Reports;
  readonly log: AccessLog;
  /** Aborted when the server has no more time for what is under way. */
  readonly stop: AbortSignal;
}

/** The release server, not yet listening. Whatever is asked of it, the answer is that of a release store. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { store, reports, log, limits, tls } = options;
  const counters = new Counters();
  const watch = watchWith(counters, log);
  const app: FastifyInstance = fastify({
    ...appLimits(limits),
    ...(tls === undefined ? { http: nodeLimits(limits) } : { https: { ...nodeLimits(limits), ...tls } }),
    // nginx on the same machine says for whom it asks.
    trustProxy: 'loopback',
    forceCloseConnections: 'idle',
    // A URL that cannot be read gets to no hook.
    frameworkErrors: (error, request, reply) => {
      watch(request, reply);
      sendTrouble(error, request, reply);
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.decorateRequest('label', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    watch(request, reply);
    done();
  });
  await app.register(rateLimit, { global: false });
  guard(app, options.tokens);
  app.setErrorHandler((error, request, reply) => sendTrouble(error, request, reply));
  app.setNotFoundHandler((_request, reply) => sendNothing(reply));
  // Node would say "100 Continue" to whoever asks; the upload route says it to those who may go on.
  app.server.on('checkContinue', (request, response) => app.routing(request, response));
  healthRoutes(app, { store, counters, log, reports });
  staticRoutes(app, {
    files: new StaticFiles(store.places.api),
    indexHeaders: reports.kind === 'taken' ? REPORTS_HEADER : {},
  });
  await app.register((uploads, _options, done) => {
    uploadRoute(uploads, { store, counters, maxUploadBytes: limits.maxUploadBytes, stop: options.stop });
    done();
  });
  // The fleet: everything that hosts report.
  if (reports.kind === 'taken') reports.routes(app);
  return app;
}
