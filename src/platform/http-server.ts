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
    tls === undefined ? createServer(options, listener) : createTlsServer({ ...options, ...tls }, listener);
  server.setTimeout(idleMs);
  server.maxConnections = connections;
  return server;
}

/** Connections from now on get this certificate. */
export function renewCertificate(server: Server, pair: TlsPair): void {
  if ('setSecureContext' in server)
    (server as unknown as { setSecureContext(pair: object): void }).setSecureContext(pair);
}
