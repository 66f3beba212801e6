import ky, { HTTPError, TimeoutError } from 'ky';
import { HttpTrouble, printable } from './http-trouble.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;

/** Another way to a server than Node's own fetch. */
export interface Transport {
  readonly fetch: typeof fetch;
}

export interface HttpIdentity {
  readonly userAgent: string;
  /** Sent to this origin only, whatever redirects say (invariant 14). */
  readonly bearer?: { readonly origin: string; readonly token: string };
  /** By which way it asks; Node's own if absent. */
  readonly transport?: Transport;
}

interface Asked {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * GET, whatever the status of the answer; its body is not read yet. Asks for bytes as they are, follows no redirect that
 * lowers the protection, and sends credentials to one origin only. Throws {@link HttpTrouble}, and what fetch throws.
 */
export async function httpGet(start: URL, asked: Asked, identity: HttpIdentity): Promise<Response> {
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await getOnce(url, asked, identity);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || response.status === 304 || location === null) {
      return refuseEncoding(response, url);
    }
    await response.body?.cancel();
    url = safeRedirect(url, location);
  }
  throw new HttpTrouble('unsafe-redirect', `more than ${MAX_REDIRECTS} redirects from ${printable(start)}`);
}

async function getOnce(url: URL, { headers, signal }: Asked, identity: HttpIdentity): Promise<Response> {
  const { userAgent, bearer, transport } = identity;
  const authorization = bearer?.origin === url.origin ? { authorization: `Bearer ${bearer.token}` } : {};
  try {
    return await ky.get(url, {
      headers: { ...headers, ...authorization, 'user-agent': userAgent, 'accept-encoding': 'identity' },
      redirect: 'manual',
      timeout: ANSWER_TIMEOUT_MS,
      // Without a cap ky sleeps as long as a server's Retry-After asks, holding the lock.
      retry: { limit: 1, maxRetryAfter: 2_000, backoffLimit: 1_000, shouldRetry: isWorthIt },
      signal,
      ...(transport !== undefined && { fetch: transport.fetch }),
    });
  } catch (error) {
    if (error instanceof HTTPError) return error.response;
    // Its message holds the whole URL, with a query that may be secret (invariant 14).
    if (error instanceof TimeoutError) throw new Error(`nothing received for ${ANSWER_TIMEOUT_MS / 1000} s`);
    throw error;
  }
}

/** Our own verdict (a proxy that refuses) stays the same; of the rest ky knows best. */
function isWorthIt({ error }: { readonly error: Error }): false | undefined {
  return error instanceof HttpTrouble ? false : undefined;
}

/** Nobody asked for an encoding; on Node 20 a body that is not what its header says never settles. */
function refuseEncoding(response: Response, url: URL): Response {
  const encoding = response.headers.get('content-encoding');
  if (encoding === null || encoding === '' || encoding === 'identity') return response;
  throw new HttpTrouble(
    'content-encoding',
    `${printable(url)} answers in content-encoding "${encoding}", which was not asked for`,
  );
}

function safeRedirect(from: URL, location: string): URL {
  const story = `${printable(from)} redirects to`;
  if (!URL.canParse(location, from.href)) throw new HttpTrouble('unsafe-redirect', `${story} an address that is none`);
  const to = new URL(location, from);
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw new HttpTrouble('unsafe-redirect', `${story} a ${to.protocol} address, expected http: or https:`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new HttpTrouble('unsafe-redirect', `${story} ${printable(to)}: https must not become http`);
  }
  if (to.username !== '' || to.password !== '') {
    throw new HttpTrouble('unsafe-redirect', `${story} ${printable(to)}: with credentials`);
  }
  return to;
}
