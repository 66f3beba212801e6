import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { errorText, RunError, systemCode } from '../../domain/errors.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http-server.ts';
import { NO_SUCH_RELEASE } from '../answers.ts';
import { ManagerError, type ManagerErrorCode } from '../errors.ts';
import { hintOf } from '../exit-codes.ts';
import { NoRoomError } from '../fleet/registry.ts';
import { note } from '../wording.ts';
import { pathOf } from './addresses.ts';
import { lingerAfter } from './bodies.ts';

const JSON_TYPE = 'application/json';
/** Fastify would put a charset into the type of a string, which JSON has none of (RFC 8259 section 11). */
const NOTHING = Buffer.from(NO_SUCH_RELEASE);
const RETRY_SECONDS = '5';
/** Hosts say again what they run by then. */
const FULL_SECONDS = '900';
/** RFC 9110 section 15, and RFC 4918 section 11.5 for a full disk. */
const OF_MANAGER: Readonly<Record<ManagerErrorCode, number>> = {
  usage: 400,
  refused: 422,
  conflict: 409,
  busy: 503,
  'no-permission': 500,
  damaged: 500,
};
const FULL = ['ENOSPC', 'EDQUOT'];
const WORDS: Readonly<Record<number, string>> = {
  413: 'the body is larger than this server takes',
  415: 'expected a JSON body (content-type: application/json)',
};

/** An answer other than the one that was asked for. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, more: RefusalDetails = {}) {
    super(message);
    this.status = status;
    this.hint = more.hint;
    this.headers = more.headers ?? {};
  }
}

interface RefusalDetails {
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Says what is wrong, for every dialect: `code` and `message` for the older ones, `error` for the others. */
export function refusalText({ status, message, hint }: Omit<Refusal, 'headers' | 'name'>): string {
  return `${JSON.stringify({ code: status, message, error: message, ...(hint !== undefined && { hint }), data: null })}\n`;
}

function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, headers } = refusal;
  // Whoever waits for "100 Continue" may send the body all the same, or not: nobody can tell what follows.
  if (reply.request.headers.expect !== undefined) reply.header('connection', 'close');
  return reply
    .code(status)
    .headers({ ...headers, 'cache-control': 'no-cache' })
    .header('content-type', JSON_TYPE)
    .send(Buffer.from(refusalText(refusal)));
}

/** The same as nginx says with config/nginx.conf. */
export function sendNothing(reply: FastifyReply): FastifyReply {
  return reply.code(404).header('cache-control', 'no-cache').header('content-type', JSON_TYPE).send(NOTHING);
}

/** The same without Fastify. */
export function answerNothing(response: HttpResponse): undefined {
  response.writeHead(404, headersOf(NOTHING)).end(NOTHING);
}

function headersOf(body: Buffer) {
  return { 'cache-control': 'no-cache', 'content-type': JSON_TYPE, 'content-length': body.length };
}

/** The answer to whatever was thrown. What the client can do nothing about is told to the operator. */
export function sendTrouble(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(error);
  if (!request.raw.complete) lingerAfter(request.raw, reply.raw);
  tell(refusal, request.raw, error);
  return sendRefusal(reply, refusal);
}

/** The same without Fastify. An answer that has begun is cut off: its end would be taken for that of the bytes. */
export function answerTrouble(error: unknown, request: HttpRequest, response: HttpResponse): void {
  const refusal = refusalOf(error);
  tell(refusal, request, error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(refusalText(refusal));
  response.writeHead(refusal.status, { ...refusal.headers, ...headersOf(body) }).end(body);
}

function tell({ status }: Refusal, { method, url = '' }: HttpRequest, error: unknown): void {
  // Of what there is no room for the operator has been told.
  if (status >= 500 && !(error instanceof NoRoomError)) note(`${method} ${pathOf(url)}: ${errorText(error)}`);
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ManagerError) return refusalOfManager(error);
  if (error instanceof RunError) {
    return new Refusal(503, 'the server is being stopped', { headers: { 'retry-after': RETRY_SECONDS } });
  }
  if (error instanceof NoRoomError) {
    return new Refusal(503, 'this server has no room for what more hosts report', {
      headers: { 'retry-after': FULL_SECONDS },
    });
  }
  if (FULL.includes(systemCode(error) ?? '')) {
    return new Refusal(507, 'the disk of the release server is full', {
      hint: 'Nothing was published. Make room on the server, then send it again.',
    });
  }
  const status = (error as Partial<FastifyError>).statusCode ?? 500;
  if (status >= 500) return new Refusal(500, 'unexpected error; the log of the server says more');
  return new Refusal(status, WORDS[status] ?? errorText(error));
}

function refusalOfManager(error: ManagerError): Refusal {
  const status = OF_MANAGER[error.code];
  if (status === 500)
    return new Refusal(500, 'the release store is not as it should be; the log of the server says more');
  // How long a request waits is not for whoever sends it to say.
  const said = error.code === 'busy' ? 'Nothing was changed. Send it again.' : hintOf(error);
  const hint = said?.replaceAll(/--(force|platform)\b/g, (_flag, name) =>
    name === 'force' ? '?force=1' : '?platform=',
  );
  return new Refusal(status, error.message, {
    ...(hint !== undefined && { hint }),
    ...(status === 503 && { headers: { 'retry-after': RETRY_SECONDS } }),
  });
}
