import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { SecureContext } from 'node:tls';
import { withDeadline } from './clock.ts';

export interface OnceLimits {
  /** For all of it, from the connection to the last byte. */
  readonly timeoutMs: number;
  /** Of the body; what is beyond is not waited for. */
  readonly maxBytes: number;
  /** Absent: the certificates that come with Node. */
  readonly secureContext?: SecureContext;
}

export interface OnceAnswer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
}

/**
 * GET over a connection of its own, once: no retry, no redirect, no proxy, no credentials. For questions about what
 * answers now. Throws what became of it, and `DeadlineError`.
 */
export async function getOnce(url: URL, limits: OnceLimits): Promise<OnceAnswer> {
  const late = `no complete answer within ${limits.timeoutMs / 1000} s`;
  return withDeadline(limits.timeoutMs, late, async (signal) => {
    const sent = send(url, signal, limits.secureContext);
    const answer = await answered(sent);
    // Errors after the end of interest are nobody's.
    sent.on('error', () => {});
    const text = await beginningOf(answer, limits.maxBytes);
    sent.destroy();
    return { status: answer.statusCode ?? 0, text };
  });
}

function send(url: URL, signal: AbortSignal, secureContext: SecureContext | undefined): ClientRequest {
  const headers = { 'user-agent': 'bin-proxy (health)', accept: '*/*', connection: 'close' };
  const options = { agent: false, headers, signal };
  if (url.protocol !== 'https:') return request(url, options).end();
  const secure = secureContext === undefined ? options : { ...options, secureContext };
  return process.getBuiltinModule('node:https').request(url, secure).end();
}

function answered(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
}

async function beginningOf(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, maxBytes - bytes));
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
