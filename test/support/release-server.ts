import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { md5 } from './program.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTP server with the documented bin-manager API, and any misbehaviour a test asks for. */
export class ReleaseServer {
  /** What it was asked, as `METHOD path`. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  readonly #releases = new Map<string, Buffer>();
  readonly #answers = new Map<string, Answer>();
  readonly #server: Server;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => this.#handle(request, response));
  }

  static async start(): Promise<ReleaseServer> {
    const server = new ReleaseServer();
    await server.listen(0);
    return server;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Also after the server has stopped. */
  get api(): string {
    return `http://127.0.0.1:${this.#port}/api/v1`;
  }

  publish(name: string, bytes: Buffer, version = 'latest'): void {
    this.#releases.set(`${version}/${name}`, bytes);
  }

  /** Answers one path (below `/api/v1`) in its own way; undefined goes back to the normal answer. */
  answer(path: string, answer: Answer | undefined): void {
    if (answer === undefined) this.#answers.delete(`/api/v1${path}`);
    else this.#answers.set(`/api/v1${path}`, answer);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/';
    this.requests.push(`${request.method} ${path}`);
    this.headers.push(request.headers);
    const special = this.#answers.get(path);
    if (special !== undefined) return special(request, response);
    const [, version, name, what] = /^\/api\/v1\/releases\/([^/]+)\/([^/]+)\/(md5|download)$/.exec(path) ?? [];
    const bytes = this.#releases.get(`${decodeURIComponent(version ?? '')}/${decodeURIComponent(name ?? '')}`);
    if (bytes === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 404, message: 'no such release', data: null }));
    } else if (what === 'md5') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 0, message: 'success', data: { md5: md5(bytes) } }, null, 2));
    } else {
      sendFile(request, response, bytes);
    }
  }
}

/** A download as a good static server gives it: length, ETag, ranges. */
export function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const etag = `"${md5(bytes)}"`;
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 'NaN');
  const ranged = Number.isInteger(start) && request.headers['if-range'] === etag;
  const body = ranged ? bytes.subarray(start) : bytes;
  response.writeHead(ranged ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': body.length,
    etag,
    ...(ranged && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  response.end(body);
}
