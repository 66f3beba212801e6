import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect } from 'vitest';
import { Authority, type Identity } from '../support/authority.ts';
import { has } from '../support/components.ts';
import { ManagerServer } from '../support/manager-server.ts';
import { script, storeTest } from '../support/release-store.ts';

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber;

describe.skipIf(!has('openssl', 'curl'))('bin-manager serve with TLS', () => {
  storeTest(
    'takes up a renewed certificate at SIGHUP: connections go on, new ones get the new one, a bad one changes nothing',
    async ({ store }) => {
      const authority = new Authority();
      const [first, second, other] = [authority.issue(), authority.issue(), authority.issue()];
      const [cert, key] = [join(store.directory, 'cert.pem'), join(store.directory, 'key.pem')];
      const install = (one: Pick<Identity, 'cert' | 'key'>) => {
        writeFileSync(cert, one.cert);
        writeFileSync(key, one.key, { mode: 0o600 });
      };
      install(first);
      await store.publish('app', script('one'), '--version', '1');
      const server = await ManagerServer.start(store, '--tls-cert', cert, '--tls-key', key);
      try {
        const port = Number(new URL(server.origin).port);
        expect(server.origin).toBe(`https://127.0.0.1:${port}`);
        const curl = (...args: readonly string[]) =>
          execFileSync('curl', ['-sS', '--cacert', authority.certFile, ...args], { encoding: 'utf8' });
        expect(curl(`${server.api}/releases/latest/app/download`)).toBe(script('one').toString());
        expect(
          curl('-o', '/dev/null', '-w', '%{http_code}', '--tlsv1.2', '--tls-max', '1.2', `${server.origin}/health`),
        ).toBe('200');

        const shown = () => {
          const args = [
            's_client',
            '-connect',
            `127.0.0.1:${port}`,
            '-CAfile',
            authority.certFile,
            '-verify_return_error',
          ];
          const said = execFileSync('openssl', args, {
            input: '',
            encoding: 'utf8',
            stdio: ['pipe', 'pipe', 'ignore'],
          });
          return serialOf(/-----BEGIN[\s\S]*END CERTIFICATE-----/.exec(said)?.[0] ?? '');
        };
        const old = connect({ port, host: '127.0.0.1', ca: authority.cert });
        await once(old, 'secureConnect');
        expect([await statusOf(old), shown()]).toEqual([200, serialOf(first.cert)]);

        install(second);
        server.signal('SIGHUP');
        await server.untilSaid('read again: publish: nobody');
        expect([await statusOf(old), shown()]).toEqual([200, serialOf(second.cert)]);
        expect(serialOf(pemOf(old))).toBe(serialOf(first.cert));

        install({ cert: other.cert, key: first.key });
        server.signal('SIGHUP');
        await server.untilSaid('the key is not that of the certificate');
        expect([await statusOf(old), shown()]).toEqual([200, serialOf(second.cert)]);
        old.destroy();
      } finally {
        await server.stop();
        authority.remove();
      }
    },
  );
});

/** Asks on a connection that is kept. */
async function statusOf(socket: TLSSocket): Promise<number> {
  socket.write('HEAD /api/v1/index.json HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return Number(answer.toString().split(' ')[1]);
}

function pemOf(socket: TLSSocket): string {
  return new X509Certificate(socket.getPeerCertificate().raw).toString();
}
