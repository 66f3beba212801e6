import { systemCode } from '../../domain/errors.ts';
import type { HttpResponse, HttpSocket } from '../../platform/http-server.ts';
import { LINGER_MS, TOO_SLOW } from './bodies.ts';
import type { Counters } from './counters.ts';
import { LIMITS } from './limits.ts';
import { Refusal, refusalText } from './trouble.ts';

/** RFC 9110 section 15.5; Node has no words of its own for them. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
};

/** Answers what never became a request, as far as there is somebody to read it, and closes the connection. */
export function refuseUnreadable(error: Error, socket: HttpSocket, counters: Counters): void {
  if (systemCode(error) === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return;
  const { _httpMessage: answer } = socket as HttpSocket & { readonly _httpMessage?: HttpResponse | null };
  // Whatever was written now would be taken for a part of the answer that is under way, or never be sent.
  const isUnreadable = answer?.headersSent === true || systemCode(error) === 'ERR_TLS_HANDSHAKE_TIMEOUT';
  if (!socket.writable || isUnreadable) {
    socket.destroy();
    return;
  }
  const refusal = refusalOfBytes(error);
  const body = refusalText(refusal);
  const head = [
    `HTTP/1.1 ${refusal.status} ${REASONS[refusal.status]}`,
    'Connection: close',
    'Cache-Control: no-cache',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Bytes that nobody has read would make the kernel take the answer back (RFC 9112 section 9.6).
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  if (answer == null) counters.request('none', { status: refusal.status, bytes: socket.bytesWritten, ms: 0 });
}

function refusalOfBytes(error: Error & { readonly rawPacket?: Buffer }): Refusal {
  switch (systemCode(error)) {
    case TOO_SLOW:
      return new Refusal(408, 'the request was not complete in time');
    case 'HPE_HEADER_OVERFLOW':
      return isLineTooLong(error.rawPacket)
        ? new Refusal(414, 'the URL is longer than this server takes')
        : new Refusal(431, 'URL and headers are longer than this server takes');
    default:
      return new Refusal(400, 'expected a request of HTTP/1.1');
  }
}

/** Node counts both together; which of them it was shows where the first line ends. */
function isLineTooLong(packet: Buffer | undefined): boolean {
  if (packet === undefined || !/^[A-Z]+ \S/.test(packet.toString('latin1', 0, 20))) return false;
  const end = packet.indexOf('\n');
  return end === -1 || end > LIMITS.urlCharacters;
}
