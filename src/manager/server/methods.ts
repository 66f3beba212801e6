import type { FastifyInstance } from 'fastify';
import { pathOf, staticAddress } from './addresses.ts';
import { Refusal } from './trouble.ts';

interface Route {
  readonly path: RegExp;
  readonly method: string;
}

/**
 * Says of a method that is not for an address which ones are (RFC 9110 section 15.5.6). What somebody wants to read is not
 * there where it cannot be read, as with any web server. Must come before the routes.
 */
export function knowMethods(app: FastifyInstance): void {
  const routes: Route[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    for (const one of [method].flat()) routes.push({ path: pathPattern(url), method: one });
  });
  app.addHook('onRequest', (request, _reply, done) => {
    if (!request.is404 || ['GET', 'HEAD'].includes(request.method)) return done();
    const allowed = methodsAt(pathOf(request.url), routes);
    if (allowed.length === 0) return done();
    const message = `expected ${allowed.join(' or ')} at this address, found ${request.method}`;
    done(new Refusal(405, message, { headers: { allow: allowed.join(', ') } }));
  });
}

function methodsAt(path: string, routes: readonly Route[]): readonly string[] {
  const declared = routes.filter((one) => one.path.test(path)).map(({ method }) => method);
  const found = staticAddress(path) === undefined ? declared : ['GET', 'HEAD', ...declared];
  return [...new Set(found)].sort();
}

/** Of a route such as `/bins/:name/progress` or `/hosts/*`. */
function pathPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment === '*') return '.*';
    return segment.startsWith(':') ? '[^/]+' : segment.replaceAll('.', '\\.');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
