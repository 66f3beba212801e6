import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type BinaryName, isBinaryName } from '../../domain/names.ts';
import { plainAddress } from '../../platform/address.ts';
import {
  type Answer,
  keepaliveFound,
  keepaliveTaken,
  keepaliveWithoutName,
  progressTaken,
  refusedForAll,
  type Style,
  styleOf,
  versionRefused,
  versionTaken,
} from './dialects.ts';
import type { Fleet } from './fleet.ts';
import { fleetPage } from './fleet-page.ts';
import type { Gate } from './gate.ts';
import { HOST_LIMITS } from './host.ts';
import { hostPage, noHostPage } from './host-page.ts';
import type { Html } from './html.ts';
import { nodeAnswer, nodesAnswer, readSlice } from './nodes-answer.ts';
import { PAGE_HEADERS } from './page.ts';
import { type Fields, readKeepalive, readProgress, readSpeaker, readVersionReport, type Speaker } from './reports.ts';
import { readSelection } from './selection.ts';

/** Older clients leave the base of the API out. */
const BASES = ['/api/v1', ''] as const;
const BODY = { bodyLimit: HOST_LIMITS.bodyBytes };

/** What the routes speak of, and who may ask for it or report to it now. */
export interface FleetService {
  readonly fleet: Fleet;
  readonly gate: Gate;
}

/**
 * What hosts report, and what people and programs ask about hosts. Whether somebody may is decided by hooks of `app`,
 * which must be there before.
 */
export function fleetRoutes(app: FastifyInstance, service: FleetService): void {
  app.register((scope, _options, done) => {
    // Old clients send JSON and call it a form.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', ...BODY }, (_request, body, parsed) =>
      parsed(null, fieldsOf(body.toString())),
    );
    for (const base of BASES) {
      keepaliveRoutes(scope, base, service);
      reportRoutes(scope, base, service);
      nodeRoutes(scope, base, service);
    }
    pageRoutes(scope, service);
    done();
  });
}

function keepaliveRoutes(app: FastifyInstance, base: string, { fleet, gate }: FleetService): void {
  const limited = { ...BODY, onRequest: gate.report };
  app.get(`${base}/keepalive`, limited, (request, reply) => {
    const query = request.query as Fields;
    const [style, speaker] = [styleOf(query, {}), readSpeaker(query, {})];
    if (speaker.id === undefined && speaker.name === undefined) {
      return send(reply, keepaliveWithoutName(style, plainAddress(request.ip)));
    }
    // Some clients register once and only ask from then on: that is a sign of life too.
    const host = fleet.find(speaker);
    return send(reply, keepaliveFound(style, host && fleet.saw(host)));
  });
  app.post(`${base}/keepalive`, limited, async (request, reply) => {
    const query = request.query as Fields;
    const body = bodyOf(request);
    if (body === undefined) return send(reply, NO_OBJECT);
    const style = styleOf(query, body);
    const speaker = readSpeaker(query, body);
    if (isNamed(style, speaker)) await mayBeTaken({ fleet, gate }, request, speaker);
    const host = isNamed(style, speaker)
      ? fleet.keepalive(speaker, readKeepalive(body, fleet.now().getTime()))
      : undefined;
    return send(reply, keepaliveTaken(style, host));
  });
}

function reportRoutes(app: FastifyInstance, base: string, { fleet, gate }: FleetService): void {
  const limited = { ...BODY, onRequest: gate.report };
  app.post(`${base}/bins/:name`, limited, (request, reply) =>
    withBinary(request, reply, async ({ binary, query, body }) => {
      const style = styleOf(query, body);
      const [speaker, report] = [readSpeaker(query, body), readVersionReport(binary, body)];
      const isKnown = isNamed(style, speaker);
      // The first server's clients do not say who they are: there is nothing to remember, and nothing to refuse.
      if (report === undefined || (!isKnown && style !== 'numbered')) return versionRefused(style);
      if (isKnown) {
        await mayBeTaken({ fleet, gate }, request, speaker);
        fleet.version(speaker, report);
      }
      return versionTaken(style, speaker, report);
    }),
  );
  app.post(`${base}/bins/:name/progress`, limited, (request, reply) =>
    withBinary(request, reply, async ({ binary, query, body }) => {
      const [speaker, report] = [readSpeaker(query, body), readProgress(binary, body)];
      if (report !== undefined) await mayBeTaken({ fleet, gate }, request, speaker);
      return progressTaken(report && fleet.progress(speaker, report), binary, body['status']);
    }),
  );
}

/** Clients that speak in the flat style know themselves by their id alone. */
function isNamed(style: Style, { id, name }: Speaker): boolean {
  return id !== undefined || (style !== 'flat' && name !== undefined);
}

/** Throws where somebody makes up too many hosts. Whoever is known already is not counted. */
async function mayBeTaken({ fleet, gate }: FleetService, request: FastifyRequest, speaker: Speaker): Promise<void> {
  const isAnybody = speaker.id !== undefined || speaker.name !== undefined;
  if (isAnybody && fleet.find(speaker) === undefined) await gate.introduce(request);
}

function nodeRoutes(app: FastifyInstance, base: string, { fleet, gate }: FleetService): void {
  const limited = { onRequest: gate.look };
  app.get(`${base}/nodes`, limited, async (request, reply) => {
    const query = request.query as Fields;
    const parts = nodesAnswer(await fleet.overview(), readSelection(query), readSlice(query));
    return sendJson(reply, 200, Readable.from(parts));
  });
  app.get(`${base}/nodes/*`, limited, async (request, reply) => {
    const standing = await fleet.host(wildcard(request));
    const answer = standing && { status: 200, body: nodeAnswer(standing) };
    return send(reply, answer ?? refusedForAll(404, 'node not found'));
  });
}

function pageRoutes(app: FastifyInstance, { fleet, gate }: FleetService): void {
  const limited = { onRequest: gate.look };
  app.get('/', limited, async (request, reply) => {
    const query = request.query as Fields;
    return sendPage(reply, 200, fleetPage(await fleet.overview(), readSelection(query), query['page']));
  });
  app.get('/hosts/*', limited, async (request, reply) => {
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

async function withBinary(
  request: FastifyRequest,
  reply: FastifyReply,
  take: (report: BinaryReport) => Promise<Answer>,
): Promise<FastifyReply> {
  const { name } = request.params as { readonly name: string };
  const body = bodyOf(request);
  if (!isBinaryName(name)) return send(reply, refusedForAll(400, 'the name of a binary is of A-Z a-z 0-9 . _ -'));
  if (body === undefined) return send(reply, NO_OBJECT);
  return send(reply, await take({ binary: name, query: request.query as Fields, body }));
}

/** An id may be longer than the parameter of a route, and may have a slash. */
function wildcard(request: FastifyRequest): string {
  return (request.params as { readonly '*': string })['*'];
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  // Of a text Fastify would say its charset, which JSON has none of (RFC 8259 section 11).
  return sendJson(reply, status, Buffer.from(`${JSON.stringify(body)}\n`));
}

function sendJson(reply: FastifyReply, status: number, json: Buffer | Readable): FastifyReply {
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    .type('application/json')
    .send(json);
}

function sendPage(reply: FastifyReply, status: number, page: Html): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page.text);
}
