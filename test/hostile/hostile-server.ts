import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A request as it stood on the wire. */
export interface WireRequest {
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** How many requests came before this one. */
  readonly index: number;
}

/** Answers byte for byte: what no HTTP library would send. */
export type WireAnswer = (socket: Socket, request: WireRequest) => void;

/** A server that does exactly what a test says, and nothing that HTTP asks for. */
export class HostileServer {
  readonly requests: WireRequest[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';

  constructor(answer: WireAnswer, identity?: { readonly key: string; readonly cert: string }) {
    const serve = (socket: Socket) => this.#serve(socket, answer);
    this.#server = identity === undefined ? createServer(serve) : createTlsServer(identity, serve);
    this.#scheme = identity === undefined ? 'http' : 'https';
    // A client that refuses our certificate is what some tests are about.
    this.#server.on('tlsClientError', () => {});
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/file'): string {
    return `${this.#scheme}://127.0.0.1:${this.port}${path}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket, answer: WireAnswer): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // The client hangs up whenever it has seen enough.
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const [first = '', ...lines] = text.slice(0, end).split('\r\n');
      text = text.slice(end + 4);
      const headers = Object.fromEntries(
        lines.map((line) => [line.split(':', 1)[0]?.toLowerCase(), line.replace(/^[^:]*:\s*/, '')]),
      );
      const request = { path: first.split(' ')[1] ?? '', headers, index: this.requests.length };
      this.requests.push(request);
      answer(socket, request);
    });
  }
}

/** The head of an answer; the connection is not used again. */
export function head(status: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
}

/** A whole answer that breaks no rule. */
export function good(body: Buffer | string, headers: Readonly<Record<string, string | number>> = {}): Buffer {
  return Buffer.concat([Buffer.from(head('200 OK', { 'content-length': body.length, ...headers })), Buffer.from(body)]);
}
