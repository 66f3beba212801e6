import type { SecureContext } from 'node:tls';
import {
  Agent,
  type Dispatcher,
  Pool,
  ProxyAgent,
  type Response as UndiciResponse,
  fetch as undiciFetch,
} from 'undici';
import { errorText, systemCode } from '../domain/errors.ts';
import type { Proxies } from '../domain/settings.ts';
import { KyWay } from './http-ky.ts';
import { proxyFor } from './http-proxy.ts';
import { proxyTrouble, refusedByProxy } from './http-trouble.ts';
import { EACH_ADDRESS, type HttpWay, PASSING } from './http-way.ts';

/** Nothing waits longer for a connection: a proxy that is silent must not keep the process after everybody has left. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface ProxyWayOptions {
  readonly proxies: Proxies;
  /** What makes a certificate believed; Node's own list if absent. */
  readonly secureContext?: SecureContext;
}

/**
 * The way to servers behind a proxy. `node:http` knows none, and Node 20's own fetch neither, so this one brings undici
 * and ky, which cost a tick some 200 ms; it is loaded only where a proxy is set.
 */
export function openProxyWay({ proxies, secureContext }: ProxyWayOptions): HttpWay {
  const tls = { timeout: CONNECT_TIMEOUT_MS, ...EACH_ADDRESS, ...(secureContext !== undefined && { secureContext }) };
  const straight = new Agent({ connect: tls });
  const through = new Map<string, Dispatcher>();
  const dispatcherFor = (proxy: URL | undefined) => {
    if (proxy === undefined) return straight;
    const known = through.get(proxy.href) ?? proxyAgent(proxy, tls);
    through.set(proxy.href, known);
    return known;
  };
  return new KyWay(async (input, init) => {
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
      if (PASSING.includes(response.status)) return withoutBody(response);
      // The same class from another copy of undici: its types differ in name only.
      return response;
    } catch (error) {
      throw proxy === undefined || request.signal.aborted ? error : proxyTrouble(error, url, proxy);
    }
  });
}

/**
 * undici 7 ends the process where a server hangs up while nobody reads its page (nodejs/undici#5360), and nobody reads
 * the page of an error that passes.
 */
async function withoutBody({ status, headers, body }: UndiciResponse): Promise<Response> {
  await body?.cancel();
  return new Response(null, { status, headers: [...headers] });
}

/**
 * 407, and what tinyproxy says to a wrong password: 401 with a challenge for a user and a password. The server behind
 * it would want a token.
 */
function isRefusal({ status, headers }: { readonly status: number; readonly headers: Headers }, proxy: URL): boolean {
  if (status === 407) return true;
  return status === 401 && proxy.username !== '' && /^basic\b/i.test(headers.get('www-authenticate') ?? '');
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
