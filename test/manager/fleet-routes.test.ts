import { describe, expect, it } from 'vitest';
import { fleetRoutes } from '../../src/manager/fleet/routes.ts';
import { has } from '../support/components.ts';
import { digest, FleetFolder, fleetTest, NOW, OPEN_GATE, offering } from '../support/fleet.ts';
import { FleetServer } from '../support/fleet-server.ts';

const MD5 = 'a'.repeat(32);
const SHA = digest('b');

/** Method, address, body; status and body of the answer, exactly. In this order on one server. */
type Exchange = readonly [
  method: 'GET' | 'POST',
  url: string,
  body: Readonly<Record<string, unknown>> | undefined,
  status: number,
  answer: unknown,
];

const NODE = {
  node_id: 'n3',
  cpu_arch: 'x86_64',
  os_release: 'Debian',
  node_name: 'three',
  bin_proxy_version: '1.2.0',
  last_seen: expect.stringMatching(/^2026-.*Z$/),
};
const { node_id, cpu_arch, os_release, node_name, bin_proxy_version } = NODE;

const D0: readonly Exchange[] = [
  ['GET', '/keepalive?node=one', undefined, 404, { code: 404, message: 'Node not found. Please POST to register.' }],
  ['GET', '/keepalive?node=', undefined, 400, { code: 400, message: 'Node name is required' }],
  ['POST', '/keepalive?node=', {}, 400, { code: 400, message: 'Node name is required' }],
  [
    'POST',
    '/keepalive?node=one',
    {
      name: 'one',
      cpuArch: 'x86_64',
      osRelease: 'Debian',
      proxyVersion: '1.0.0',
      binaries: [{ name: 'app', version: 'latest', hash: MD5, updatedAt: '2026-11-20T00:00:00Z' }],
      lastSeen: '2026-11-20T00:00:00Z',
    },
    200,
    { code: 200, message: 'success' },
  ],
  [
    'GET',
    '/keepalive?node=one',
    undefined,
    200,
    {
      code: 200,
      message: 'success',
      data: {
        name: 'one',
        cpuArch: 'x86_64',
        osRelease: 'Debian',
        proxyVersion: '1.0.0',
        binaries: [{ name: 'app', version: 'latest', hash: MD5, updatedAt: '2026-11-20T00:00:00.000Z' }],
        lastSeen: expect.stringMatching(/^2026-/),
      },
    },
  ],
  ['POST', '/bins/app', { hash: MD5 }, 200, { code: 200, message: 'success' }],
  ['POST', '/bins/app', { proxyVersion: '1' }, 400, { code: 400, message: 'hash is required' }],
];

const D1_AND_D2: readonly Exchange[] = [
  [
    'GET',
    '/keepalive',
    undefined,
    200,
    { code: 0, message: 'success', data: { nodeName: '127.0.0.1', status: 'active' } },
  ],
  [
    'POST',
    '/keepalive',
    { cpuArch: 'x86_64', osRelease: 'A "quoted" OS', nodeName: 'two', binProxyVersion: '1.1.0' },
    200,
    { code: 0, message: 'success', data: { nodeName: 'two', status: 'active' } },
  ],
  [
    'GET',
    '/keepalive?nodeName=two',
    undefined,
    200,
    { code: 0, message: 'success', data: { nodeName: 'two', status: 'active' } },
  ],
  ['POST', '/keepalive', { cpuArch: 'x86_64' }, 400, { code: 400, message: 'nodeName is required' }],
  [
    'POST',
    '/bins/app',
    { nodeName: 'two', binName: 'app', md5: MD5, version: 'latest' },
    200,
    { code: 0, message: 'success', data: { nodeName: 'two', binName: 'app' } },
  ],
  [
    'POST',
    '/bins/app',
    { nodeName: 'two', binName: 'app', sha256: SHA, version: 'latest' },
    200,
    { code: 0, message: 'success', data: { nodeName: 'two', binName: 'app' } },
  ],
  [
    'POST',
    '/bins/app',
    { nodeName: 'two', sha256: 'short' },
    400,
    { code: 400, message: 'nodeName and sha256 or md5 are required' },
  ],
  [
    'POST',
    '/bins/app/progress',
    { nodeName: 'two', binName: 'app', targetHash: SHA, processingTime: 3, status: 'in_progress' },
    200,
    { message: 'progress recorded', nodeName: 'two', binName: 'app', status: 'in_progress' },
  ],
];

const D3: readonly Exchange[] = [
  ['GET', '/keepalive?node_id=', undefined, 400, { error: 'node_id parameter required' }],
  ['GET', '/keepalive?node_id=n3', undefined, 404, { error: 'node not found' }],
  ['POST', '/keepalive', { node_name: 'three' }, 400, { error: 'node_id required' }],
  [
    'POST',
    '/keepalive',
    { node_id, cpu_arch, os_release, node_name, bin_proxy_version },
    201,
    { message: 'node registered', node: NODE },
  ],
  ['GET', '/keepalive?node_id=n3', undefined, 200, NODE],
  [
    'POST',
    '/bins/app',
    { node_id: 'n3', sha256sum: SHA },
    200,
    { message: 'version recorded', node_id: 'n3', bin_name: 'app', sha256sum: SHA },
  ],
  ['POST', '/bins/app', { sha256sum: SHA }, 400, { error: 'sha256sum and node_id required' }],
  ['POST', '/bins/app', { node_id: 'n3' }, 400, { error: 'sha256sum and node_id required' }],
  [
    'POST',
    '/bins/app/progress',
    { nodeName: 'three', targetHash: SHA, status: 'success' },
    200,
    { message: 'progress recorded', nodeName: 'three', binName: 'app', status: 'success' },
  ],
  [
    'POST',
    '/bins/app/progress',
    { nodeName: 'three', targetHash: SHA, status: 'done' },
    400,
    { error: 'nodeName, targetHash and status required' },
  ],
  [
    'POST',
    '/bins/app/progress',
    { targetHash: SHA, status: 'success' },
    400,
    { error: 'nodeName, targetHash and status required' },
  ],
];

const BOTH: readonly Exchange[] = [
  [
    'POST',
    '/keepalive?node_id=n4&node=four',
    { nodeName: 'four', node_id: 'n4', node_name: 'four', cpuArch: 'aarch64', cpu_arch: 'aarch64', unknown: [1] },
    201,
    { message: 'node registered', node: expect.objectContaining({ node_id: 'n4', cpu_arch: 'aarch64' }) },
  ],
  [
    'POST',
    '/bins/app',
    { nodeName: 'four', node_id: 'n4', binName: 'app', md5: MD5, hash: MD5, version: '1' },
    200,
    { message: 'version recorded', node_id: 'n4', bin_name: 'app', sha256sum: MD5 },
  ],
];

const EXCHANGES = { D0, D1_AND_D2, D3, BOTH };

describe('the routes that hosts report to', () => {
  for (const base of ['/api/v1', '']) {
    for (const [dialect, exchanges] of Object.entries(EXCHANGES)) {
      fleetTest(`answer ${dialect} as documented, at "${base}"`, async ({ folder }) => {
        const app = folder.serve(await folder.open());
        for (const [method, url, body, status, answer] of exchanges) {
          const got = await app.inject({ method, url: `${base}${url}`, ...(body !== undefined && { payload: body }) });
          expect([url, got.statusCode, got.json()]).toEqual([url, status, answer]);
        }
      });
    }
  }

  fleetTest.skipIf(!has('curl'))('answer the same to curl, which calls JSON a form', async ({ folder }) => {
    const server = await FleetServer.start(folder.directory);
    try {
      for (const [method, url, body, status, answer] of Object.values(EXCHANGES).flat()) {
        const sent = body === undefined ? [] : ['--data', JSON.stringify(body)];
        const got = await server.curl('--request', method, ...sent, `/api/v1${url}`);
        expect([url, got]).toEqual([url, { status, body: answer }]);
      }
    } finally {
      await server.stop('SIGTERM');
    }
  });

  fleetTest('refuse what is no object, too large, or no name, and say so in every dialect', async ({ folder }) => {
    const app = folder.serve(await folder.open());
    const post = async (url: string, payload: string) => {
      const { statusCode, body } = await app.inject({ method: 'POST', url, payload });
      return [statusCode, JSON.parse(body) as unknown];
    };
    const noObject = [400, expect.objectContaining({ code: 400, message: 'expected a JSON object as the body' })];
    for (const text of ['{', '[]', '"x"', '1', 'null', '<html>']) {
      expect([text, await post('/keepalive', text)]).toEqual([text, noObject]);
      expect([text, await post('/bins/app', text)]).toEqual([text, noObject]);
    }
    const noName = [400, expect.objectContaining({ error: expect.stringContaining('the name of a binary') })];
    for (const name of ['.x', 'a%2F..%2Fb', 'a%00', '-x', 'x'.repeat(99).replace('x', '%20')]) {
      expect([name, await post(`/bins/${name}`, `{"node_id":"n","sha256sum":"${SHA}"}`)]).toEqual([name, noName]);
    }
    const large = JSON.stringify({ nodeName: 'x'.repeat(300_000) });
    expect((await post('/keepalive', large))[0]).toBe(413);
    expect((await post('/keepalive', '{"nodeName":".."}'))[0]).toBe(400);
    expect((await app.inject('/nodes')).json()).toMatchObject({ hosts: 0, nodes: [] });
  });

  fleetTest('never let a report change what is offered', async ({ folder }) => {
    folder.offers = offering('app', { stable: ['2', digest('2')] });
    const app = folder.serve(await folder.open());
    await app.inject({ method: 'POST', url: '/bins/app', payload: { node_id: 'n', sha256sum: digest('f') } });
    await app.inject({ method: 'POST', url: '/bins/app?node=n', payload: { hash: MD5 } });
    const { nodes } = (await app.inject('/nodes')).json<{ nodes: { binaries: unknown[] }[] }>();
    expect(nodes[0]?.binaries).toEqual([expect.objectContaining({ standing: 'behind', offered: '2', md5: MD5 })]);
  });

  fleetTest('take a question for a sign of life: some clients register once', async ({ folder }) => {
    const fleet = await folder.open();
    const app = folder.serve(fleet);
    await app.inject({ method: 'POST', url: '/keepalive', payload: { node_id: 'n' } });
    folder.now = NOW + 40 * 60_000;
    await app.inject('/keepalive?node_id=n');
    folder.now = NOW + 80 * 60_000;
    expect((await fleet.overview()).states).toMatchObject({ ok: 1, lost: 0 });
    folder.now = NOW + 87 * 60_000;
    expect((await fleet.overview()).states).toMatchObject({ ok: 0, lost: 1 });
  });

  it('obey the hooks of the server that they are part of', async () => {
    const folder = new FleetFolder();
    const fastify = (await import('fastify')).default;
    const app = fastify();
    app.addHook('onRequest', async (_request, reply) => reply.code(401).send({ error: 'no' }));
    fleetRoutes(app, { fleet: await folder.open(), gate: OPEN_GATE });
    for (const url of ['/', '/nodes', '/api/v1/nodes/x', '/hosts/x', '/keepalive']) {
      expect([url, (await app.inject(url)).statusCode]).toEqual([url, 401]);
    }
    await folder.remove();
  });
});

describe('GET /nodes', () => {
  fleetTest('tells hosts in the order of their ids, in slices that can be followed', async ({ folder }) => {
    const app = folder.serve(await folder.open());
    const ids = Array.from({ length: 25 }, (_, index) => `n${String(index).padStart(2, '0')}`);
    for (const node_id of [...ids].reverse()) {
      await app.inject({ method: 'POST', url: '/keepalive', payload: { node_id } });
    }
    const seen: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const url: string = `/api/v1/nodes?limit=10&after=${after}`;
      const page: { next?: string; selected: number; nodes: { id: string }[] } = (await app.inject(url)).json();
      expect([page.nodes.length <= 10, page.selected]).toEqual([true, 25]);
      seen.push(...page.nodes.map(({ id }) => id));
      after = page.next;
    }
    expect(seen).toEqual(ids);
    const filtered = (await app.inject('/nodes?name=N1')).json<{ selected: number }>();
    expect([filtered.selected, (await app.inject('/nodes/n07')).json()]).toEqual([
      10,
      expect.objectContaining({ schema: 'bin-manager/node/1', node: expect.objectContaining({ id: 'n07' }) }),
    ]);
    expect((await app.inject('/nodes/nobody')).statusCode).toBe(404);
  });
});
