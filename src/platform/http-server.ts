import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';

export type HttpRequest = IncomingMessage;
export type HttpResponse = ServerResponse;
export type HttpServer = Server;
export type HttpSocket = Socket;

/** What one client may ask of a server. Times are milliseconds. */
export interface HttpServerLimits {
  /** URL and headers together. */
  readonly headerBytes: number;
  /** From the first byte; with TLS the handshake has as long, before it. */
  readonly headersMs: number;
  /** A request with its body. */
  readonly requestMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
  /** One more connection is closed at once. */
  readonly connections: number;
}

/** PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

const MAX_CHECK_MS = 5000;

/** A server that does not listen yet, with TLS where there is a certificate. */
export function httpServer(limits: HttpServerLimits, tls: TlsPair | undefined, listener: RequestListener): Server {
  const { headerBytes, headersMs, requestMs, idleMs, keepAliveMs, connections } = limits;
  const options = {
    maxHeaderSize: headerBytes,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    // How often Node looks for slow clients.
    connectionsCheckingInterval: Math.min(headersMs, requestMs, MAX_CHECK_MS),
  };
  const server: Server =
    tls === undefined
      ? createServer(options, listener)
      : createTlsServer({ ...options, ...tls, handshakeTimeout: headersMs }, listener);
  server.setTimeout(idleMs);
  server.maxConnections = connections;
  return server;
}

/**
 * The connections of a server, as they come and go. Also those that have shaken no hands yet: Node's own
 * `closeAllConnections` does not know of them, and its `close` waits for them.
 */
export function openSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

/** Connections from now on get this certificate. */
export function renewCertificate(server: Server, pair: TlsPair): void {
  if ('setSecureContext' in server)
    (server as unknown as { setSecureContext(pair: object): void }).setSecureContext(pair);
}
