import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type HttpRequest, type HttpResponse, httpServer, type TlsPair } from '../../platform/http-server.ts';
import type { TrustedProxies } from '../../platform/proxy-trust.ts';
import type { ReleaseStore } from '../store.ts';
import type { AccessLog } from './access-log.ts';
import { cutSlowBody } from './bodies.ts';
import { Counters } from './counters.ts';
import { front, type Listener } from './front.ts';
import { guard } from './guard.ts';
import { healthRoutes } from './health-routes.ts';
import type { Limits } from './limits.ts';
import { knowMethods } from './methods.ts';
import { gateOf } from './rates.ts';
import { REPORTS_HEADER, type Reports } from './reports.ts';
import { StaticAnswers } from './static-answers.ts';
import { StaticFiles } from './static-files.ts';
import type { TokenHolder, Tokens } from './tokens.ts';
import { Refusal, sendNothing, sendTrouble } from './trouble.ts';
import { refuseUnreadable } from './unreadable.ts';
import { uploadRoute } from './upload-route.ts';
import { Watch } from './watch.ts';

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
  /** Whose word on where a request comes from is believed. */
  readonly proxies: TrustedProxies;
  readonly limits: Limits;
  readonly reports: Reports;
  /** From how many former releases an upload gets deltas. */
  readonly deltas: number;
  readonly log: AccessLog;
  /** Aborted when the server has no more time for what is under way. */
  readonly stop: AbortSignal;
}

/** The release server, not yet listening. Whatever is asked of it, the answer is that of a release store. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { store, reports, log, limits, proxies } = options;
  const counters = new Counters();
  const watch = new Watch(counters, log, proxies);
  const app: FastifyInstance = fastify({
    bodyLimit: limits.bodyBytes,
    // Longer than any name, so that it is we who say what is wrong with one.
    routerOptions: { maxParamLength: limits.headerBytes },
    trustProxy: (address) => proxies.has(address),
    forceCloseConnections: 'idle',
    serverFactory: (next) => serverBefore(next, { ...options, watch }),
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, counters),
    // A URL that cannot be read gets to no hook.
    frameworkErrors: (error, request, reply) => {
      watchRequest(watch, request, reply);
      sendTrouble(error, request, reply);
    },
  });
  app.decorateRequest('label', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    watchRequest(watch, request, reply);
    if (request.url.length > limits.urlCharacters)
      return done(new Refusal(414, 'the URL is longer than this server takes'));
    if (request.method !== 'PUT') cutSlowBody(app.server, request.raw, limits.bodyMs);
    done();
  });
  knowMethods(app);
  await app.register(rateLimit, { global: false });
  guard(app, options.tokens);
  app.setErrorHandler((error, request, reply) => sendTrouble(error, request, reply));
  app.setNotFoundHandler((_request, reply) => sendNothing(reply));
  healthRoutes(app, { store, counters, log, reports });
  await app.register((uploads, _options, done) => {
    const { deltas, stop } = options;
    uploadRoute(uploads, { store, counters, maxUploadBytes: limits.maxUploadBytes, deltas, stop });
    done();
  });
  // The fleet: everything that hosts report.
  if (reports.kind === 'taken') reports.routes(app, gateOf(app, limits));
  return app;
}

/** Node's server, with the static part before Fastify. */
function serverBefore(next: Listener, options: AppOptions & { readonly watch: Watch }) {
  const { store, reports, limits, tls } = options;
  const indexHeaders = reports.kind === 'taken' ? REPORTS_HEADER : {};
  const answers = new StaticAnswers(new StaticFiles(store.places.api), indexHeaders);
  const listener = front({ ...options, answers }, next);
  const server = httpServer(limits, tls, (request, response) => {
    // Whoever asks on a kept connection while the server is being stopped is told so.
    if (server.listening) listener(request, response);
    else next(request, response);
  });
  // Node would say "100 Continue" to whoever asks; the upload route says it to those who may go on.
  server.on('checkContinue', (request: HttpRequest, response: HttpResponse) => {
    if (request.method !== 'PUT') response.writeContinue();
    server.emit('request', request, response);
  });
  return server;
}

function watchRequest(watch: Watch, request: FastifyRequest, reply: FastifyReply): void {
  watch.begin(request.raw, reply.raw, () => ({
    label: request.label ?? request.routeOptions.url ?? 'none',
    holder: request.holder?.name,
  }));
}
