import { readBody } from './http-body.ts';
import type { HttpIdentity } from './http-request.ts';

/** Nobody reads what is answered to a POST; to its end it is read only so that the connection can be used again. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface Posted {
  readonly body: string;
  readonly contentType: string;
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/**
 * POST, once; returns the status, whatever it is. It goes where it was addressed or nowhere: a redirect is an
 * answer like any other (RFC 9110 section 15.4 lets a client choose), so the token stays with its origin (invariant 14).
 * Throws `HttpTrouble`, and what the way throws.
 */
export async function httpPost(url: URL, posted: Posted, identity: HttpIdentity): Promise<number> {
  const { userAgent, bearer, way } = identity;
  const authorization = bearer?.origin === url.origin ? { authorization: `Bearer ${bearer.token}` } : {};
  const headers = {
    ...authorization,
    'user-agent': userAgent,
    accept: 'application/json',
    'accept-encoding': 'identity',
    'content-type': posted.contentType,
  };
  const answer = await way.post(url, { headers, body: posted.body, signal: posted.signal });
  await readBody(answer, { maxBytes: MAX_ANSWER_BYTES, idleMs: posted.idleMs }, () => Promise.resolve());
  return answer.status;
}
