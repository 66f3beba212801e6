import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type BinaryName, isBinaryName } from '../../domain/names.ts';
import {
  type Answer,
  keepaliveFound,
  keepaliveTaken,
  keepaliveWithoutName,
  progressTaken,
  refusedForAll,
  styleOf,
  versionRefused,
  versionTaken,
} from './dialects.ts';
import type { Fleet } from './fleet.ts';
import { fleetPage } from './fleet-page.ts';
import { HOST_LIMITS } from './host.ts';
import { hostPage, noHostPage } from './host-page.ts';
import type { Html } from './html.ts';
import { nodeAnswer, nodesAnswer, readSlice } from './nodes-answer.ts';
import { PAGE_HEADERS } from './page.ts';
import { type Fields, readKeepalive, readProgress, readSpeaker, readVersionReport } from './reports.ts';
import { readSelection } from './selection.ts';

/** Older clients leave the base of the API out. */
const BASES = ['/api/v1', ''] as const;
const BODY = { bodyLimit: HOST_LIMITS.bodyBytes };

/**
 * What hosts report, and what people and programs ask about hosts. Whether somebody may is decided by hooks of `app`,
 * which must be there before.
 */
export function fleetRoutes(app: FastifyInstance, fleet: Fleet): void {
  app.register((scope, _options, done) => {
    // Old clients send JSON and call it a form.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', ...BODY }, (_request, body, parsed) =>
      parsed(null, fieldsOf(body.toString())),
    );
    for (const base of BASES) {
      keepaliveRoutes(scope, base, fleet);
      reportRoutes(scope, base, fleet);
      nodeRoutes(scope, base, fleet);
    }
    pageRoutes(scope, fleet);
    done();
  });
}

function keepaliveRoutes(app: FastifyInstance, base: string, fleet: Fleet): void {
  app.get(`${base}/keepalive`, (request, reply) => {
    const query = request.query as Fields;
    const [style, speaker] = [styleOf(query, {}), readSpeaker(query, {})];
    if (speaker.id === undefined && speaker.name === undefined) {
      return send(reply, keepaliveWithoutName(style, request.ip));
    }
    // Some clients register once and only ask from then on: that is a sign of life too.
    const host = fleet.find(speaker);
    return send(reply, keepaliveFound(style, host && fleet.saw(host)));
  });
  app.post(`${base}/keepalive`, BODY, (request, reply) => {
    const query = request.query as Fields;
    const body = bodyOf(request);
    if (body === undefined) return send(reply, NO_OBJECT);
    const style = styleOf(query, body);
    const speaker = readSpeaker(query, body);
    const isNamed = style !== 'flat' || speaker.id !== undefined;
    const host = isNamed ? fleet.keepalive(speaker, readKeepalive(body, fleet.now().getTime())) : undefined;
    return send(reply, keepaliveTaken(style, host));
  });
}

function reportRoutes(app: FastifyInstance, base: string, fleet: Fleet): void {
  app.post(`${base}/bins/:name`, BODY, (request, reply) =>
    withBinary(request, reply, ({ binary, query, body }) => {
      const style = styleOf(query, body);
      const [speaker, report] = [readSpeaker(query, body), readVersionReport(binary, body)];
      const isNamed = speaker.id !== undefined || (style !== 'flat' && speaker.name !== undefined);
      // The first server's clients do not say who they are: there is nothing to remember, and nothing to refuse.
      if (report === undefined || (!isNamed && style !== 'numbered')) return versionRefused(style);
      if (isNamed) fleet.version(speaker, report);
      return versionTaken(style, speaker, report);
    }),
  );
  app.post(`${base}/bins/:name/progress`, BODY, (request, reply) =>
    withBinary(request, reply, ({ binary, query, body }) => {
      const report = readProgress(binary, body);
      const host = report && fleet.progress(readSpeaker(query, body), report);
      return progressTaken(host, binary, body['status']);
    }),
  );
}

function nodeRoutes(app: FastifyInstance, base: string, fleet: Fleet): void {
  app.get(`${base}/nodes`, async (request, reply) => {
    const query = request.query as Fields;
    const body = nodesAnswer(await fleet.overview(), readSelection(query), readSlice(query));
    return send(reply, { status: 200, body });
  });
  app.get(`${base}/nodes/*`, async (request, reply) => {
    const standing = await fleet.host(wildcard(request));
    const answer = standing && { status: 200, body: nodeAnswer(standing) };
    return send(reply, answer ?? refusedForAll(404, 'node not found'));
  });
}

function pageRoutes(app: FastifyInstance, fleet: Fleet): void {
  app.get('/', async (request, reply) => {
    const query = request.query as Fields;
    return sendPage(reply, 200, fleetPage(await fleet.overview(), readSelection(query), query['page']));
  });
  app.get('/hosts/*', async (request, reply) => {
    const standing = await fleet.host(wildcard(request));
    if (standing === undefined) return sendPage(reply, 404, noHostPage());
    return sendPage(reply, 200, hostPage(standing, fleet.now().getTime()));
  });
}

const NO_OBJECT = refusedForAll(400, 'expected a JSON object as the body');

/** Null for what is no JSON object. */
function fieldsOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? (value as Fields | null) : null;
  } catch {
    return null;
  }
}

/** Undefined for what is no JSON object. No body at all says nothing, and is one. */
function bodyOf({ body }: FastifyRequest): Fields | undefined {
  return body === null ? undefined : ((body ?? {}) as Fields);
}

interface BinaryReport {
  readonly binary: BinaryName;
  readonly query: Fields;
  readonly body: Fields;
}

function withBinary(request: FastifyRequest, reply: FastifyReply, take: (report: BinaryReport) => Answer) {
  const { name } = request.params as { readonly name: string };
  const body = bodyOf(request);
  if (!isBinaryName(name)) return send(reply, refusedForAll(400, 'the name of a binary is of A-Z a-z 0-9 . _ -'));
  if (body === undefined) return send(reply, NO_OBJECT);
  return send(reply, take({ binary: name, query: request.query as Fields, body }));
}

/** An id may be longer than the parameter of a route, and may have a slash. */
function wildcard(request: FastifyRequest): string {
  return (request.params as { readonly '*': string })['*'];
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    .type('application/json')
    .send(`${JSON.stringify(body)}\n`);
}

function sendPage(reply: FastifyReply, status: number, page: Html): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page.text);
}
