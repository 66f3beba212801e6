import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { HOST_WAYS, PATIENT, wireTest } from './client.ts';
import { good, HostileServer, head } from './hostile-server.ts';

const TOKEN = 'hunter2';

function to(location: string): string {
  return head('302 Found', { location, 'content-length': 0 });
}

describe.each(HOST_WAYS)('a redirect, by $by', PATIENT, ({ request }) => {
  wireTest('to another origin is followed without the token (invariant 14)', async ({ serve }) => {
    const other = await serve((socket) => socket.end(good('hello')));
    const first = await serve((socket) => socket.end(to(other.url('/elsewhere'))));
    const { answer, code } = await request({ url: first.url(), token: { token: TOKEN, for: first.url() } });
    expect([answer?.bytes, code]).toEqual([5, 0]);
    expect(first.requests[0]?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
    expect(other.requests.map(({ path }) => path)).toEqual(['/elsewhere']);
    expect(JSON.stringify(other.requests)).not.toContain(TOKEN);
  });

  wireTest('within the origin is followed with the token', async ({ serve }) => {
    const server = await serve((socket, { path }) =>
      socket.end(path === '/file' ? to('../moved?signed=1') : good('hello')),
    );
    const { answer } = await request({ url: server.url(), token: { token: TOKEN, for: server.url() } });
    expect(answer?.bytes).toBe(5);
    expect(server.requests.map(({ path, headers }) => [path, headers['authorization']])).toEqual([
      ['/file', `Bearer ${TOKEN}`],
      ['/moved?signed=1', `Bearer ${TOKEN}`],
    ]);
  });

  wireTest('from a stranger back to the origin of the token: the token goes where it belongs', async ({ serve }) => {
    const home = await serve((socket) => socket.end(good('hello')));
    const stranger = await serve((socket) => socket.end(to(home.url())));
    await request({ url: stranger.url(), token: { token: TOKEN, for: home.url() } });
    expect(stranger.requests[0]?.headers['authorization']).toBeUndefined();
    expect(home.requests[0]?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
  });

  wireTest.for(['301 Moved', '302 Found', '303 See Other', '307 Temporary', '308 Permanent'])(
    'is followed: %s',
    async (line, { serve }) => {
      const server = await serve((socket, { path }) => {
        socket.end(path === '/file' ? head(line, { location: '/moved', 'content-length': 0 }) : good('hello'));
      });
      expect((await request({ url: server.url() })).answer?.bytes).toBe(5);
    },
  );

  wireTest('with a body that never ends is followed: nobody reads it, and nobody waits for it', async ({ serve }) => {
    const server = await serve((socket, { path }) => {
      if (path === '/file') socket.write(`${head('302 Found', { location: '/moved' })}moved `);
      else socket.end(good('hello'));
    });
    const { answer, code } = await request({ url: server.url() });
    expect([answer?.bytes, code]).toEqual([5, 0]);
  });

  wireTest('that leads round and round ends', async ({ serve }) => {
    const server = await serve((socket) => socket.end(to('/file?token=hunter2')));
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.kind, code]).toEqual(['unsafe-redirect', 0]);
    expect(trouble?.message).toBe(`more than 5 redirects from ${server.url()}`);
    expect(server.requests).toHaveLength(6);
  });

  wireTest.for<[string, string]>([
    ['file:///etc/passwd', 'file:'],
    ['ftp://other.example/file?secret=hunter2', 'ftp:'],
    ['data:text/plain,hello', 'data:'],
    ['javascript:alert(1)', 'javascript:'],
  ])('to %s is refused', async ([location, scheme], { serve }) => {
    const server = await serve((socket) => socket.end(to(location)));
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.kind, code]).toEqual(['unsafe-redirect', 0]);
    expect(trouble?.message).toBe(`${server.url()} redirects to a ${scheme} address, expected http: or https:`);
  });

  wireTest('with a password in it is refused, and the password is not told (invariant 14)', async ({ serve }) => {
    const server = await serve((socket) => socket.end(to('http://ana:hunter2@other.example/file')));
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.kind, code]).toEqual(['unsafe-redirect', 0]);
    expect(trouble?.message).toBe(`${server.url()} redirects to http://other.example/file: with credentials`);
  });

  wireTest('to nowhere that makes sense is refused', async ({ serve }) => {
    const server = await serve((socket) => socket.end(to('http://[::1')));
    const { trouble, code } = await request({ url: server.url() });
    expect([trouble?.kind, code]).toEqual(['unsafe-redirect', 0]);
    expect(trouble?.message).toBe(`${server.url()} redirects to an address that is none`);
  });

  wireTest.for(['300 Choose', '304 Not Modified', '302 Found'])(
    'without a place to go to is no file: %s',
    async (line, { serve }) => {
      const server = await serve((socket) => socket.end(head(line, { 'content-length': 0 })));
      const { trouble, code } = await request({ url: server.url() });
      expect([trouble?.name, trouble?.status, code]).toEqual(['HttpStatusError', Number(line.slice(0, 3)), 0]);
    },
  );
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasOpenssl()).each(HOST_WAYS)(
  'a server with a certificate of its own, by $by',
  PATIENT,
  ({ request }) => {
    let directory = '';
    let server: HostileServer;
    let plain: HostileServer;
    const trusting = () => ({ NODE_EXTRA_CA_CERTS: join(directory, 'cert.pem') });

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'bin-proxy-tls-'));
      const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
      const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
      const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
      execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
      plain = await new HostileServer((socket) => socket.end(good('plain'))).listen();
      const identity = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
      const answer: ConstructorParameters<typeof HostileServer>[0] = (socket, { path }) => {
        if (path === '/down') socket.end(to(plain.url()));
        else socket.end(path === '/within' ? to('/file') : good('hello'));
      };
      server = await new HostileServer(answer, identity).listen();
    });

    afterAll(async () => {
      await Promise.all([server.stop(), plain.stop()]);
      rmSync(directory, { recursive: true, force: true });
    });

    wireTest('is believed where its authority is named in NODE_EXTRA_CA_CERTS', async () => {
      const { answer, code } = await request({ url: server.url('/within'), environment: trusting() });
      expect([answer?.bytes, code]).toEqual([5, 0]);
    });

    wireTest('is not believed otherwise, and the message says why', async () => {
      const { trouble, code } = await request({ url: server.url() });
      expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
      expect(trouble?.message).toMatch(/self-signed certificate|unable to verify/);
    });

    wireTest('must not lead from https to http', async () => {
      const { trouble, code } = await request({ url: server.url('/down'), environment: trusting() });
      expect([trouble?.kind, code]).toEqual(['unsafe-redirect', 0]);
      expect(trouble?.message).toBe(`${server.url('/down')} redirects to ${plain.url()}: https must not become http`);
      expect(plain.requests).toEqual([]);
    });
  },
);
