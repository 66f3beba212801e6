import { Exchange } from './http-plain-answer.ts';
import { PlainServer } from './http-plain-server.ts';
import { askTwice } from './http-retry.ts';
import type { Asked, HttpAnswer, HttpWay, Posted } from './http-way.ts';

/**
 * Straight to a server of plain http, over a bare socket: what is asked, and files. `node:http` costs an idle tick more
 * than all that is ours in it (docs/performance.md). What goes over https or is posted takes another way, which is opened
 * with the first of it. It knows no proxy.
 */
export class PlainWay implements HttpWay {
  readonly #open: () => Promise<HttpWay>;
  readonly #servers = new Map<string, PlainServer>();
  #other: Promise<HttpWay> | undefined;

  /** `other` opens the way for everything else. */
  constructor(other: () => Promise<HttpWay>) {
    this.#open = other;
  }

  async get(url: URL, asked: Asked): Promise<HttpAnswer> {
    if (url.protocol !== 'http:') return (await this.#otherWay()).get(url, asked);
    const request = requestText(url, asked.headers);
    return askTwice(() => {
      const exchange = new Exchange(request, asked.signal);
      this.#serverOf(url).ask(exchange);
      return exchange.answered;
    }, asked.signal);
  }

  async post(url: URL, posted: Posted): Promise<HttpAnswer> {
    return (await this.#otherWay()).post(url, posted);
  }

  #serverOf({ host, hostname, port }: URL): PlainServer {
    const known = this.#servers.get(host);
    if (known !== undefined) return known;
    const isLiteral6 = hostname.startsWith('[');
    const server = new PlainServer({
      host: isLiteral6 ? hostname.slice(1, -1) : hostname,
      port: port === '' ? 80 : Number(port),
    });
    this.#servers.set(host, server);
    return server;
  }

  #otherWay(): Promise<HttpWay> {
    this.#other ??= this.#open();
    return this.#other;
  }
}

/**
 * RFC 9112 section 3. A URL holds no blank and no line break, and a header must hold none: it would begin another
 * request. Throws an `Error` that does not tell the value, which may be a secret (invariant 14).
 */
function requestText({ host, pathname, search }: URL, headers: Asked['headers']): string {
  const lines = [`GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`, 'Connection: keep-alive'];
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\t -~\x80-\xff]*$/.test(value)) throw new Error(`the header ${name} holds what no header may hold`);
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
