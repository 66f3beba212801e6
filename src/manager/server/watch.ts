import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessLog } from './access-log.ts';
import type { Counters } from './counters.ts';

/** nginx's word for a client that went before it had its answer. */
const CLIENT_GONE = 499;

/** Counts a request and writes it to the access log, once its answer has left or its client has gone. */
export type Watch = (request: FastifyRequest, reply: FastifyReply) => void;

export function watchWith(counters: Counters, log: AccessLog): Watch {
  return (request, reply) => {
    const begun = performance.now();
    const { socket } = request.raw;
    const before = socket.bytesWritten;
    reply.raw.once('close', () => {
      const status = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_GONE;
      const ms = Math.round((performance.now() - begun) * 1000) / 1000;
      const told = { status, bytes: socket.bytesWritten - before, ms };
      counters.request(request.label ?? request.routeOptions.url ?? 'none', told);
      log.add({
        address: addressOf(request),
        method: request.method,
        path: request.url.split('?', 1)[0] ?? '',
        ...told,
        holder: request.holder?.name,
        agent: request.headers['user-agent'],
      });
    });
  };
}

/** Fastify would look at it anew for every request; a proxy is the exception. */
function addressOf(request: FastifyRequest): string {
  const direct = request.headers['x-forwarded-for'] === undefined;
  return (direct ? request.raw.socket.remoteAddress : request.ip) ?? '';
}
