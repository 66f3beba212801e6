import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { networkOf } from '../../platform/address.ts';
import { MINUTE_MS, mustNotExceed } from './rates.ts';
import { presentedToken, type Right, type Tokens } from './tokens.ts';
import { Refusal } from './trouble.ts';

/** Whoever tries tokens, by address. */
const FAILURES_A_MINUTE = 20;
/** Uploads, by holder of the token. */
const WRITES_A_MINUTE = 60;
const REALM = 'bin-manager';
/** Monitors ask for it, and it tells nothing of the store but a number. */
const FREE_FOR_ALL: ReadonlySet<string> = new Set(['/health', '/api/v1/health']);

const RIGHT_OF: Readonly<Record<string, Right>> = { GET: 'read', HEAD: 'read', POST: 'report', PUT: 'publish' };

/**
 * Lets a request through that holds a token for what it does, where one is needed.
 */
export function guard(app: FastifyInstance, tokens: () => Tokens): void {
  const countFailure = app.createRateLimit({
    max: FAILURES_A_MINUTE,
    timeWindow: MINUTE_MS,
    keyGenerator: ({ ip }: FastifyRequest) => networkOf(ip),
  });
  const countWrite = app.createRateLimit({
    max: WRITES_A_MINUTE,
    timeWindow: MINUTE_MS,
    keyGenerator: ({ holder }: FastifyRequest) => holder?.name ?? '',
  });
  app.decorateRequest('holder', undefined);
  app.addHook('onRequest', (request: FastifyRequest, _reply: FastifyReply, done) => {
    const { url = '' } = request.routeOptions;
    // Older hosts ask whether they are known, and count as alive then.
    const right = url.endsWith('/keepalive') ? 'report' : (RIGHT_OF[request.method] ?? 'publish');
    if (!tokens().needs(right) || FREE_FOR_ALL.has(url)) return done();
    admit(request, right).then(() => done(), done);
  });

  async function admit(request: FastifyRequest, right: Right): Promise<void> {
    if (!tokens().has(right)) {
      throw new Refusal(403, `this server has no token with the right to ${right}`, {
        hint: 'Start it with --token-file, and a line in that file that grants it.',
      });
    }
    const token = presentedToken(request.headers.authorization);
    if (token === undefined) throw unauthorized(`expected a token with the right to ${right}`);
    request.holder = tokens().holderOf(token);
    if (request.holder === undefined) {
      await mustNotExceed(countFailure(request), (max) => `${max} unknown tokens a minute from one address`);
      throw unauthorized('the token is not known here');
    }
    if (!request.holder.rights.has(right)) {
      throw new Refusal(403, `the token of ${request.holder.name} gives no right to ${right}`);
    }
    if (right === 'publish')
      await mustNotExceed(countWrite(request), (max) => `${max} uploads a minute with one token`);
  }
}

/** RFC 6750 section 3, and RFC 7617 for a person with a browser. */
function unauthorized(message: string): Refusal {
  return new Refusal(401, message, {
    headers: { 'www-authenticate': `Bearer realm="${REALM}", Basic realm="${REALM}", charset="UTF-8"` },
  });
}
