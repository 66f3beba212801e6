import { Agent, request } from 'node:http';
import type { Agent as SecureAgent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { DirectAnswer } from './http-direct-answer.ts';
import {
  ANSWER_TIMEOUT_MS,
  type Asked,
  type HttpAnswer,
  type HttpWay,
  MAX_RETRY_AFTER_MS,
  PASSING,
  type Posted,
  RETRY_AFTER_MS,
  SilenceError,
} from './http-way.ts';

/** Connections are kept between requests: a handshake costs a server fifty times as much as an answer. */
const KEPT = { keepAlive: true, maxSockets: 16 };

/**
 * Straight to the server over `node:http`. An idle tick asks this way, and large files come this way: fetch costs more
 * than all the rest of a tick (docs/performance.md). It knows no proxy.
 */
export class DirectWay implements HttpWay {
  readonly #plain = new Agent(KEPT);
  readonly #secureContext: SecureContext | undefined;
  #secure: SecureAgent | undefined;

  /** Believes the certificates of this context; where there is none, those that come with Node. */
  constructor(secureContext?: SecureContext) {
    this.#secureContext = secureContext;
  }

  async get(url: URL, asked: Asked): Promise<HttpAnswer> {
    let wait = RETRY_AFTER_MS;
    try {
      const answer = await this.#once(url, asked);
      if (!PASSING.includes(answer.status)) return answer;
      wait = wishedDelay(answer.header('retry-after'), Date.now()) ?? RETRY_AFTER_MS;
      answer.discard();
    } catch (error) {
      if (asked.signal.aborted || error instanceof SilenceError) throw error;
    }
    await delay(wait, undefined, { signal: asked.signal });
    return this.#once(url, asked);
  }

  post(url: URL, posted: Posted): Promise<HttpAnswer> {
    return this.#once(url, posted);
  }

  #once(url: URL, asked: Asked | Posted): Promise<DirectAnswer> {
    const { headers, signal } = asked;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const sent = request(url, { agent: this.#agentFor(url), headers, method: 'body' in asked ? 'POST' : 'GET' });
      const timer = setTimeout(() => sent.destroy(new SilenceError()), ANSWER_TIMEOUT_MS);
      const leave = () => sent.destroy(new Error('given up', { cause: signal.reason }));
      signal.addEventListener('abort', leave);
      sent.on('response', (message) => {
        clearTimeout(timer);
        // A connection that is kept must not be destroyed for the sake of an answer that has ended.
        resolve(new DirectAnswer(message, () => signal.removeEventListener('abort', leave)));
      });
      // What breaks after the answer has begun is told by its body.
      sent.on('error', (error) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        reject(error);
      });
      sent.end('body' in asked ? asked.body : undefined);
    });
  }

  /** `node:https` brings all of TLS: it is loaded for the first https address. */
  #agentFor({ protocol }: URL): Agent {
    if (protocol !== 'https:') return this.#plain;
    this.#secure ??= new (process.getBuiltinModule('node:https').Agent)({
      ...KEPT,
      ...(this.#secureContext !== undefined && { secureContext: this.#secureContext }),
    });
    return this.#secure;
  }
}

/** RFC 9110 section 10.2.3: seconds, or a date. Undefined where the server has no wish. */
function wishedDelay(retryAfter: string | undefined, now: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const wished = Number.isNaN(seconds) ? Date.parse(retryAfter) - now : seconds * 1000;
  return Number.isNaN(wished) ? undefined : Math.min(Math.max(wished, 0), MAX_RETRY_AFTER_MS);
}
