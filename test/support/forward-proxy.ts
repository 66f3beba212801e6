import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ForwardProxyOptions {
  /** `user:password` that it wants to see. */
  readonly account?: string;
  /** What it answers to every CONNECT, in place of a tunnel. */
  readonly refusal?: string;
}

/** A proxy as companies have them: CONNECT for https, whole addresses for http. Every name leads to this machine. */
export class ForwardProxy {
  /** As they came: `CONNECT host:port`, `GET http://host:port/path`. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  readonly #sockets = new Set<Duplex>();
  readonly #options: ForwardProxyOptions;
  readonly #server: Server;

  constructor(options: ForwardProxyOptions = {}) {
    this.#options = options;
    this.#server = createServer((request, response) => this.#forward(request, response));
    this.#server.on('connect', (request, socket) => this.#tunnel(request, socket));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** With the account of a user, if one is given. */
  url(account = ''): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${account === '' ? '' : `${account}@`}127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #note(request: IncomingMessage): 'welcome' | 'stranger' {
    this.requests.push(`${request.method} ${request.url}`);
    this.headers.push(request.headers);
    const { account } = this.#options;
    const wanted = account === undefined ? undefined : `Basic ${Buffer.from(account).toString('base64')}`;
    return wanted === undefined || request.headers['proxy-authorization'] === wanted ? 'welcome' : 'stranger';
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    if (this.#note(request) === 'stranger') {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end('who are you?');
      return;
    }
    const { port, pathname, search, host } = new URL(request.url ?? '');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = send(
      { host: '127.0.0.1', port, path: pathname + search, headers: { ...headers, host } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('error', () => response.destroy()).pipe(response);
      },
    );
    onward.on('error', () => response.writeHead(502).end('cannot reach it'));
    onward.end();
  }

  #tunnel(request: IncomingMessage, socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    const { refusal } = this.#options;
    if (this.#note(request) === 'stranger') return void socket.end('HTTP/1.1 407 Who are you\r\n\r\n');
    if (refusal !== undefined) return void socket.end(refusal);
    const onward = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    this.#sockets.add(onward);
    onward.on('error', () => socket.destroy());
  }
}
