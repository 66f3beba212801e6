import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';
import { HOST_WAYS, LIMIT_MS, type Order, PATIENT, wireTest } from './client.ts';
import { good, HostileServer, head } from './hostile-server.ts';

const YEAR_2020 = ['20200101000000Z', '20210101000000Z'] as const;
const YEAR_2999 = ['29990101000000Z', '29991231000000Z'] as const;

describe.skipIf(!has('openssl')).each(HOST_WAYS)('a server of a private authority, by $by', PATIENT, ({ request }) => {
  const running: HostileServer[] = [];
  let ours: Authority;
  let theirs: Authority;
  const servers: Record<string, HostileServer> = {};
  const url = (name: string, path?: string) => servers[name]?.url(path) ?? '';
  const trusting = (order: Order) => request({ ...order, way: { certificates: [ours.cert] } });

  beforeAll(async () => {
    ours = new Authority('Ours');
    theirs = new Authority('Theirs');
    const plain = await new HostileServer((socket) => socket.end(good('plain'))).listen();
    running.push(plain);
    const identities = {
      good: ours.issue(),
      strange: theirs.issue(),
      expired: ours.issue({ dates: YEAR_2020 }),
      early: ours.issue({ dates: YEAR_2999 }),
      misnamed: ours.issue({ names: 'DNS:releases.internal,IP:192.0.2.1' }),
    };
    for (const [name, identity] of Object.entries(identities)) {
      const server = new HostileServer((socket, { path }) => {
        if (path === '/down') socket.end(head('302 Found', { location: plain.url() }));
        else if (path === '/strange') socket.end(head('302 Found', { location: url('strange') }));
        else socket.end(good('hello'));
      }, identity);
      servers[name] = await server.listen();
      running.push(server);
    }
  });

  afterAll(async () => {
    await Promise.all(running.map((server) => server.stop()));
    for (const authority of [ours, theirs]) authority.remove();
  });

  wireTest.for(['download', 'text'] as const)('is believed where its certificate is given: %s', async (method) => {
    const { answer, code } = await trusting({ url: url('good'), method });
    expect([answer?.bytes ?? answer?.text?.length, code]).toEqual([5, 0]);
  });

  wireTest('is believed beside those of NODE_EXTRA_CA_CERTS', async () => {
    const environment = { NODE_EXTRA_CA_CERTS: theirs.certFile };
    expect((await trusting({ url: url('good'), environment })).answer?.bytes).toBe(5);
    expect((await trusting({ url: url('strange'), environment })).answer?.bytes).toBe(5);
    expect((await trusting({ url: url('good'), environment: { NODE_EXTRA_CA_CERTS: '/nowhere' } })).answer?.bytes).toBe(
      5,
    );
  });

  wireTest('is not believed without a certificate, and the hint says what to set', async () => {
    const { trouble, code } = await request({ url: url('good') });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(/^no answer from https:\S+: .*(unable to verify|self-signed|local issuer)/);
    expect(trouble?.hint).toMatch(/name a file with its certificate in BIN_PROXY_CA_FILE\.$/);
  });

  wireTest('is not believed because another authority is', async () => {
    const { trouble } = await trusting({ url: url('strange') });
    expect(trouble?.hint).toMatch(/BIN_PROXY_CA_FILE/);
  });

  wireTest.for<[string, RegExp]>([
    ['expired', /certificate has expired/],
    ['early', /certificate is not yet valid/],
  ])('is not believed at the wrong time, and the hint names both clocks: %s', async ([name, story]) => {
    const { trouble, code } = await trusting({ url: url(name) });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(story);
    const said = /^Renew the certificate, or correct the clock of this host: it says (\S+)\.$/.exec(
      trouble?.hint ?? '',
    )?.[1];
    expect(Math.abs(Date.parse(said ?? '') - Date.now())).toBeLessThan(LIMIT_MS);
  });

  wireTest('is not believed under another name, and both names are told', async () => {
    const { trouble, code } = await trusting({ url: url('misnamed') });
    expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
    expect(trouble?.message).toMatch(/127\.0\.0\.1 is not in the cert's (altnames|list): .*192\.0\.2\.1/);
    expect(trouble?.hint).toMatch(/^Use a name that stands in the certificate/);
  });

  wireTest('must not lead to http, nor to a stranger', async () => {
    expect((await trusting({ url: url('good', '/down') })).trouble?.kind).toBe('unsafe-redirect');
    expect((await trusting({ url: url('good', '/strange') })).trouble?.hint).toMatch(/BIN_PROXY_CA_FILE/);
  });

  wireTest('gets the token, and a stranger that it leads to gets nothing', async () => {
    const token = { token: 'hunter2', for: url('good') };
    await trusting({ url: url('good', '/with-token'), token });
    const heard = servers['good']?.requests.find(({ path }) => path === '/with-token');
    expect(heard?.headers['authorization']).toBe('Bearer hunter2');
    expect(JSON.stringify(servers['strange']?.requests)).not.toContain('hunter2');
  });

  wireTest(
    'that stalls in the handshake ends with the limit, and keeps the process for seconds only',
    async ({ serve }) => {
      const silent = await serve(() => {});
      const { trouble, code } = await trusting({
        url: silent.url().replace('http:', 'https:'),
        limits: { totalMs: 500 },
      });
      expect([trouble?.kind, code]).toEqual(['unreachable', 0]);
      expect(trouble?.message).toMatch(/within 0\.5 s$/);
    },
  );
});
