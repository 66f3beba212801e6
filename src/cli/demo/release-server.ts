import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const RELEASE = /^\/api\/v1\/releases\/latest\/([\w.-]+)\/(md5|download)$/;

/** A release server with bin-manager's documented API, on a free port of this machine, seen by nobody else. */
export class ReleaseServer {
  readonly #server: Server;
  readonly #latest = new Map<string, Buffer>();
  readonly #downloads = new Map<string, number>();

  private constructor() {
    this.#server = createServer((request, response) => this.#handle(request, response));
  }

  static async start(): Promise<ReleaseServer> {
    const server = new ReleaseServer();
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  get api(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1`;
  }

  publish(name: string, bytes: Buffer): void {
    this.#latest.set(name, bytes);
  }

  /** How often these very bytes were fetched. */
  downloads(bytes: Buffer): number {
    return this.#downloads.get(md5(bytes)) ?? 0;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const [, name = '', what] = RELEASE.exec(request.url ?? '') ?? [];
    const bytes = this.#latest.get(name);
    if (bytes === undefined) return json(response, 404, { code: 404, message: 'no such release', data: null });
    const digest = md5(bytes);
    if (what === 'md5') return json(response, 200, { code: 0, message: 'success', data: { md5: digest } });
    this.#downloads.set(digest, this.downloads(bytes) + 1);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    response.end(bytes);
  }
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
