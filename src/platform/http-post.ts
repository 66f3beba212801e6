import ky from 'ky';
import { readBody } from './http-body.ts';
import type { HttpIdentity } from './http-request.ts';

/** Nobody reads what is answered to a POST; to its end it is read only so that the connection can be used again. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface Posted {
  /** JSON. */
  readonly body: string;
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/**
 * POST of JSON, once; returns the status, whatever it is. It goes where it was addressed or nowhere: a redirect is an
 * answer like any other (RFC 9110 section 15.4 lets a client choose), so the token stays with its origin (invariant 14).
 * Throws `HttpTrouble`, and what fetch throws.
 */
export async function httpPost(url: URL, posted: Posted, identity: HttpIdentity): Promise<number> {
  const { userAgent, bearer, transport } = identity;
  const authorization = bearer?.origin === url.origin ? { authorization: `Bearer ${bearer.token}` } : {};
  const response = await ky.post(url, {
    headers: {
      ...authorization,
      'user-agent': userAgent,
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
    },
    body: posted.body,
    redirect: 'manual',
    throwHttpErrors: false,
    timeout: false,
    retry: 0,
    signal: posted.signal,
    ...(transport !== undefined && { fetch: transport.fetch }),
  });
  await readBody(response, { maxBytes: MAX_ANSWER_BYTES, idleMs: posted.idleMs }, () => Promise.resolve());
  return response.status;
}
