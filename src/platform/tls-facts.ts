import { connect, type SecureContext } from 'node:tls';

/** When the certificate of a server ends, and whose it is. */
export interface ServerCertificate {
  readonly subject: string;
  readonly validTo: Date;
}

/**
 * The certificate that a server shows. It is not judged here: whether it is believed is found out by asking the server.
 * Throws where none is shown.
 */
export async function serverCertificate(
  { hostname, port }: URL,
  context: SecureContext | undefined,
  signal: AbortSignal,
): Promise<ServerCertificate> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port === '' ? 443 : port),
      rejectUnauthorized: false,
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      ...(context !== undefined && { secureContext: context }),
    });
    const leave = () => socket.destroy(new Error('given up', { cause: signal.reason }));
    signal.addEventListener('abort', leave);
    socket.on('close', () => signal.removeEventListener('abort', leave));
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      const { subject, valid_to } = socket.getPeerCertificate();
      socket.destroy();
      if (valid_to === undefined) reject(new Error('the server shows no certificate'));
      else resolve({ subject: [subject?.CN ?? host].flat().join(), validTo: new Date(valid_to) });
    });
  });
}
