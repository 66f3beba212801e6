import { HttpTrouble, printable } from './http-trouble.ts';
import type { Asked, HttpAnswer, HttpWay } from './http-way.ts';

const MAX_REDIRECTS = 5;

export interface HttpIdentity {
  readonly userAgent: string;
  /** Sent to this origin only, whatever redirects say (invariant 14). */
  readonly bearer?: { readonly origin: string; readonly token: string };
  /** By which way it asks. */
  readonly way: HttpWay;
}

/**
 * GET, whatever the status of the answer; its body is not read yet. Asks for bytes as they are, unless the headers name
 * a coding; follows no redirect that lowers the protection, and sends credentials to one origin only. Throws
 * {@link HttpTrouble}, and what the way throws.
 */
export async function httpGet(start: URL, asked: Asked, identity: HttpIdentity): Promise<HttpAnswer> {
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await getOnce(url, asked, identity);
    const location = answer.header('location');
    if (answer.status < 300 || answer.status > 399 || answer.status === 304 || location === undefined) {
      return refuseEncoding(answer, url, asked.headers['accept-encoding'] ?? '');
    }
    answer.discard();
    url = safeRedirect(url, location);
  }
  throw new HttpTrouble('unsafe-redirect', `more than ${MAX_REDIRECTS} redirects from ${printable(start)}`);
}

async function getOnce(url: URL, { headers, signal }: Asked, identity: HttpIdentity): Promise<HttpAnswer> {
  const { userAgent, bearer, way } = identity;
  const authorization = bearer?.origin === url.origin ? { authorization: `Bearer ${bearer.token}` } : {};
  const all = { 'accept-encoding': 'identity', ...headers, ...authorization, 'user-agent': userAgent };
  return way.get(url, { headers: all, signal });
}

/** Nobody asked for another coding; on Node 20 a body of fetch that is not what its header says never settles. */
function refuseEncoding(answer: HttpAnswer, url: URL, accepted: string): HttpAnswer {
  const encoding = answer.header('content-encoding') ?? '';
  if (encoding === '' || encoding === 'identity' || accepted.split(/[,;] */).includes(encoding)) return answer;
  answer.discard();
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
