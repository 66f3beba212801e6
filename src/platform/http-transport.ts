import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates } from 'node:tls';
import { Agent, type Dispatcher, Pool, ProxyAgent, fetch as undiciFetch } from 'undici';
import { errorText, systemCode } from '../domain/errors.ts';
import type { Proxies } from '../domain/settings.ts';
import { proxyFor } from './http-proxy.ts';
import type { Transport } from './http-request.ts';
import { proxyTrouble, refusedByProxy } from './http-trouble.ts';

/** Nothing waits longer for a connection: a proxy that is silent must not keep the process after everybody has left. */
const CONNECT_TIMEOUT_MS = 10_000;
const NO_PROXIES: Proxies = { none: [] };

export interface TransportOptions {
  /** PEM, believed in addition to those that come with Node. */
  readonly certificates: readonly string[];
  readonly proxies: Proxies | undefined;
}

/**
 * The way to servers behind a proxy, or with certificates of a private authority. Node 20's own fetch knows neither, so
 * this one brings undici, which costs a tick some 60 ms; it is loaded only where one of them is set.
 */
export function openTransport({ certificates, proxies = NO_PROXIES }: TransportOptions): Transport {
  const tls = {
    timeout: CONNECT_TIMEOUT_MS,
    ...(certificates.length > 0 && { secureContext: trusting(certificates) }),
  };
  const straight = new Agent({ connect: tls });
  const through = new Map<string, Dispatcher>();
  const dispatcherFor = (proxy: URL | undefined) => {
    if (proxy === undefined) return straight;
    const known = through.get(proxy.href) ?? proxyAgent(proxy, tls);
    through.set(proxy.href, known);
    return known;
  };
  return {
    async fetch(input, init): Promise<Response> {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const proxy = proxyFor(url, proxies);
      try {
        const response = await undiciFetch(url, {
          method: request.method,
          headers: [...request.headers],
          ...(request.body !== null && { body: await request.text() }),
          redirect: request.redirect,
          signal: request.signal,
          dispatcher: dispatcherFor(proxy),
        });
        if (proxy !== undefined && isRefusal(response, proxy)) {
          await response.body?.cancel();
          throw refusedByProxy({ url, proxy, status: response.status });
        }
        // The same class from another copy of undici: its types differ in name only.
        return response;
      } catch (error) {
        throw proxy === undefined || request.signal.aborted ? error : proxyTrouble(error, url, proxy);
      }
    },
  };
}

/**
 * 407, and what tinyproxy says to a wrong password: 401 with a challenge for a user and a password. The server behind
 * it would want a token.
 */
function isRefusal({ status, headers }: { readonly status: number; readonly headers: Headers }, proxy: URL): boolean {
  if (status === 407) return true;
  return status === 401 && proxy.username !== '' && /^basic\b/i.test(headers.get('www-authenticate') ?? '');
}

/** One context for all connections: reading every root certificate takes 20 ms. */
function trusting(certificates: readonly string[]) {
  return createSecureContext({ ca: [...rootCertificates, ...nodesOwnExtra(), ...certificates] });
}

/** A list of one's own replaces everything that Node believes, so what its environment names is added here again. */
function nodesOwnExtra(): readonly string[] {
  const file = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  try {
    return file === '' ? [] : [readFileSync(file, 'utf8')];
  } catch {
    // Node itself has warned at its start.
    return [];
  }
}

function proxyAgent(proxy: URL, tls: { readonly timeout: number }): ProxyAgent {
  const token = credentials(proxy);
  return new ProxyAgent({
    // Without credentials, so that no message of undici can hold them (invariant 14).
    uri: proxy.origin,
    ...(token !== undefined && { token }),
    // Plain http is asked of the proxy itself: most refuse CONNECT to port 80.
    proxyTunnel: false,
    requestTls: tls,
    proxyTls: tls,
    clientFactory: (origin, options) => proxyPool(origin, options),
  });
}

/** Connections to the proxy itself. */
function proxyPool(origin: URL, options: object): Dispatcher {
  const pool = new Pool(origin, { ...options, headersTimeout: CONNECT_TIMEOUT_MS });
  const ask: (request: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData> = pool.connect.bind(pool);
  const connect = async (request: Dispatcher.ConnectOptions) => {
    try {
      return await ask(request);
    } catch (error) {
      // undici takes this code for a reason to connect again, at once and for ever.
      if (systemCode(error) !== 'UND_ERR_SOCKET') throw error;
      throw new Error(`no answer to CONNECT: ${errorText(error)}`);
    }
  };
  return Object.assign(pool, { connect });
}

function credentials({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

/** A lone "%" in a password is meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
