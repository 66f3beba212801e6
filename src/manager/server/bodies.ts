import type { HttpRequest, HttpResponse, HttpServer } from '../../platform/http-server.ts';

/** How long somebody who is answered in the middle of a body may go on sending it, to have time to read why. */
export const LINGER_MS = 2000;

/** What Node says when a request was not there in time. */
export const TOO_SLOW = 'ERR_HTTP_REQUEST_TIMEOUT';

export function hasBody({ headers }: HttpRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/**
 * Whoever is answered before all of a body was there has a moment to read it: Node goes on reading, and a connection that
 * is closed at once would lose the answer. But nobody goes on for ever.
 */
export function lingerAfter(request: HttpRequest, response: HttpResponse): void {
  response.once('finish', () => {
    const timer = setTimeout(() => {
      if (!request.complete) request.socket.destroy();
    }, LINGER_MS);
    whenOver(request, () => clearTimeout(timer));
  });
}

/** Uploads may take long; what a host reports fits into a few packets. */
export function cutSlowBody(server: HttpServer, request: HttpRequest, ms: number): void {
  if (request.complete || !hasBody(request)) return;
  const error = Object.assign(new Error('the body was too slow'), { code: TOO_SLOW });
  const timer = setTimeout(() => server.emit('clientError', error, request.socket), ms);
  whenOver(request, () => clearTimeout(timer));
}

function whenOver(request: HttpRequest, work: () => void): void {
  request.once('end', work).once('close', work);
}
