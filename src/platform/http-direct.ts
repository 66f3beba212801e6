import { Agent, request } from 'node:http';
import type { Agent as SecureAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { DirectAnswer } from './http-direct-answer.ts';
import { askTwice } from './http-retry.ts';
import {
  ANSWER_TIMEOUT_MS,
  type Asked,
  EACH_ADDRESS,
  type HttpAnswer,
  type HttpWay,
  type Posted,
  SilenceError,
} from './http-way.ts';

/** Connections are kept between requests: a handshake costs a server fifty times as much as an answer. */
const KEPT = { keepAlive: true, maxSockets: 16, ...EACH_ADDRESS };

/**
 * Straight to the server over `node:http`: what goes over https, and what is posted. Fetch costs more than all the rest of
 * a tick (docs/performance.md). It knows no proxy.
 */
export class DirectWay implements HttpWay {
  readonly #plain = new Agent(KEPT);
  readonly #secureContext: SecureContext | undefined;
  #secure: SecureAgent | undefined;

  /** Believes the certificates of this context; where there is none, those that come with Node. */
  constructor(secureContext?: SecureContext) {
    this.#secureContext = secureContext;
  }

  get(url: URL, asked: Asked): Promise<HttpAnswer> {
    return askTwice(() => this.#once(url, asked), asked.signal);
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
