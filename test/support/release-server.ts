import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { md5, sha256 } from './program.ts';
import { HERE } from './source.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A channel of one binary: its version, and the bytes for each platform. */
export interface Channel {
  readonly version: string;
  readonly builds: Readonly<Record<string, Buffer>>;
}

/** A POST, as it came. */
export interface Report {
  /** Below `/api/v1`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
}

/** A real HTTP server with the documented bin-manager API, and any misbehaviour a test asks for. */
export class ReleaseServer {
  /** What it was asked, as `METHOD path`. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** What it was told, in the order in which it came. */
  readonly reports: Report[] = [];
  readonly #releases = new Map<string, Buffer>();
  readonly #answers = new Map<string, Answer>();
  readonly #channels = new Map<string, Map<string, Channel>>();
  #index: 'offered' | 'none' = 'none';
  #reports: 'wanted' | 'unasked' = 'unasked';
  #toReports: Answer = (_, response) => response.end('{"code":0,"message":"success"}');
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

  /** What is `latest` is also the channel `stable` of the index, as a build for this machine. */
  publish(name: string, bytes: Buffer, version = 'latest'): void {
    this.#releases.set(`${version}/${name}`, bytes);
    if (version === 'latest') this.channel(name, 'stable', { version: `0-${md5(bytes)}`, builds: { [HERE]: bytes } });
  }

  /** Puts a channel of the index at a version. */
  channel(name: string, channel: string, at: Channel): void {
    const channels = this.#channels.get(name) ?? new Map<string, Channel>();
    this.#channels.set(name, channels.set(channel, at));
  }

  /** Answers `index.json` from now on, with an ETag that is made from its text. */
  offersIndex(): void {
    this.#index = 'offered';
  }

  offersNoIndex(): void {
    this.#index = 'none';
  }

  /** Offers an index, and asks with it for reports. */
  wantsReports(): void {
    this.offersIndex();
    this.#reports = 'wanted';
  }

  /** Answers every report in its own way from now on. */
  answerReports(answer: Answer): void {
    this.#toReports = answer;
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

  /** The document at `index.json`. */
  index(): unknown {
    const binaries = Object.fromEntries(
      [...this.#channels].map(([name, channels]) => {
        const written = [...channels].map(([channel, { version, builds }]) => {
          const artifacts = Object.entries(builds).map(([platform, bytes]) => ({
            platform,
            size: bytes.length,
            md5: md5(bytes),
            sha256: sha256(bytes),
            url: `artifacts/${sha256(bytes)}`,
          }));
          return [channel, { version, artifacts }] as const;
        });
        return [name, { channels: Object.fromEntries(written) }] as const;
      }),
    );
    return { schema: 'bin-manager/index/1', binaries };
  }

  #sendArtifact(request: IncomingMessage, response: ServerResponse, digest: string): void {
    const builds = [...this.#channels.values()].flatMap((channels) => [...channels.values()]);
    const all = builds.flatMap((channel) => Object.values(channel.builds));
    const bytes = all.find((one) => sha256(one) === digest);
    if (bytes === undefined) response.writeHead(404).end();
    else sendFile(request, response, bytes);
  }

  async #takeReport(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.api);
    const body = JSON.parse(await text(request)) as Report['body'];
    const query = Object.fromEntries(searchParams);
    this.reports.push({ path: pathname.replace('/api/v1', ''), query, headers: request.headers, body });
    this.#toReports(request, response);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/';
    this.requests.push(`${request.method} ${path}`);
    this.headers.push(request.headers);
    const special = this.#answers.get(path);
    if (special !== undefined) return special(request, response);
    if (request.method === 'POST') return void this.#takeReport(request, response);
    if (this.#index === 'offered' && path === '/api/v1/index.json') {
      if (this.#reports === 'wanted') response.setHeader('Bin-Manager-Reports', '1');
      return sendIndex(request, response, this.index());
    }
    const artifact = /^\/api\/v1\/artifacts\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (artifact !== undefined) return this.#sendArtifact(request, response, artifact);
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

/** RFC 9110 section 13.1.2: 304 to whoever has this text already. */
function sendIndex(request: IncomingMessage, response: ServerResponse, index: unknown): void {
  const text = JSON.stringify(index);
  const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
  const same = request.headers['if-none-match'] === etag;
  response.writeHead(same ? 304 : 200, { 'content-type': 'application/json', etag });
  response.end(same ? undefined : text);
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
