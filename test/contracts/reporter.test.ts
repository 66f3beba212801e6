import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { digestText } from '../../src/domain/digest.ts';
import type { VersionName } from '../../src/domain/names.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import type { ReportedBinary, Running } from '../../src/domain/reported.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Http } from '../../src/platform/http.ts';
import type { HttpWay } from '../../src/platform/http-way.ts';
import { BinManagerReporter } from '../../src/reports/bin-manager.ts';
import { NoReporter } from '../../src/reports/none.ts';
import type { Reporter, Status } from '../../src/reports/reporter.ts';
import { binary, md5Of, sha256Of } from '../planning/builders.ts';
import { ReleaseServer } from '../support/release-server.ts';
import { straightWay, WAYS } from '../support/ways.ts';

const HOST = { id: 'id-1', name: 'web 1', machine: 'x86_64', system: 'Debian' };
const [old, next] = [sha256Of('old'), sha256Of('next')];
const to = digestText(next);
const RUNS_NEXT: Running = { digests: [next, md5Of('next')], version: '2' };
const RUNS_OLD: Running = { digests: [old] };
const NEVER = new AbortController().signal;

function updated(text: string): Outcome {
  const detail = 'proven to run';
  const more = { reason: 'new-release', detail, service: 'restarted', seconds: 7 } as const;
  return { name: binary(text), outcome: 'updated', to, version: '2', ...more };
}

function failed(text: string): Outcome {
  return { name: binary(text), outcome: 'failed', reason: 'download-failed', detail: 'cut', to, version: '2' };
}

function status(when: Status['when'], ...binaries: readonly ReportedBinary[]): Status {
  return { when, binaries: () => Promise.resolve(binaries) };
}

function reporterAt(server: ReleaseServer, way: HttpWay = straightWay()): Reporter {
  const origin = new URL(server.api).origin;
  const http = new Http({
    userAgent: 'bin-proxy/test',
    bearer: { origin, token: 'hunter2' },
    way,
  });
  const host = () => Promise.resolve(HOST);
  return new BinManagerReporter({ api: new URL(server.api), host, clock: systemClock }, http);
}

const SENTENCE = /^(HTTP \d+ from|no (complete )?answer from|the answer is|nothing received|the transfer)[^\n]*$/;

interface Adapter {
  readonly title: string;
  readonly make: (server: ReleaseServer) => Reporter;
}

/** Every reporter has to keep these sentences of the role. */
const adapters: readonly Adapter[] = [
  ...WAYS.map(({ by, open }) => ({
    title: `bin-manager, by ${by}`,
    make: (server: ReleaseServer) => reporterAt(server, open()),
  })),
  { title: 'none', make: () => new NoReporter() },
];

/** What servers do to those who report. */
const TROUBLES: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['that says nothing', () => {}],
  ['that breaks off', (response) => response.destroy()],
  ['in trouble', (response) => response.writeHead(500).end('no')],
  ['that wants another token', (response) => response.writeHead(401).end()],
  ['that says too much', (response) => response.end(Buffer.alloc(10_000_000))],
  ['that begins and does not end', (response) => response.writeHead(200, { 'content-length': 9 }).write('x')],
  ['that sends it elsewhere', (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()],
];

const reportTest = it.extend<{ server: ReleaseServer }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  server: async ({}, use) => {
    const server = await ReleaseServer.start();
    await use(server);
    await server.stop();
  },
});

/** Where each report went. */
function paths(server: ReleaseServer): readonly string[] {
  return server.reports.map(({ path }) => path);
}

describe.each(adapters)('the reporter $title (invariant 8)', { concurrent: true }, ({ make }) => {
  reportTest.for(TROUBLES)('throws nothing and ends with a server %s: one sentence', async ([, answer], { server }) => {
    server.answerReports((_request, response) => answer(response));
    const reporter = make(server);
    reporter.begins({ name: 'app', release: to });
    reporter.ended(updated('app'), RUNS_NEXT);
    const trouble = await reporter.settle(status('always'), NEVER);
    expect(trouble ?? 'the transfer').toMatch(SENTENCE);
    // Invariant 14.
    expect(trouble ?? '').not.toMatch(/hunter2|node_id/);
    expect(server.reports.length).toBeLessThanOrEqual(1);
  });

  reportTest(
    'throws nothing where there is no server, and where what is to be told cannot be found out',
    async ({ server }) => {
      const port = Number(new URL(server.api).port);
      await server.stop();
      const reporter = make(server);
      reporter.begins({ name: 'app', release: to });
      await reporter.settle(status('always'), NEVER);
      await server.listen(port);
      await make(server).settle({ when: 'always', binaries: () => Promise.reject(new Error('no such file')) }, NEVER);
    },
  );

  reportTest('ends soon where somebody has asked the run to stop, or does so meanwhile', async ({ server }) => {
    const stop = new AbortController();
    server.answerReports(() => stop.abort());
    const reporter = make(server);
    reporter.begins({ name: 'app', release: to });
    await reporter.settle(status('always'), stop.signal);
    await reporter.settle(status('always'), stop.signal);
    expect(server.reports.filter(({ path }) => path === '/keepalive')).toEqual([]);
  });
});

describe('the reporter none', () => {
  reportTest('tells nobody anything', async ({ server }) => {
    const reporter = new NoReporter();
    reporter.begins();
    reporter.ended();
    await reporter.settle();
    expect(server.requests).toEqual([]);
  });
});

describe('the reporter bin-manager', { concurrent: true }, () => {
  reportTest(
    'tells begin, end and what runs in this order, then the whole host, under every name that servers know',
    async ({ server }) => {
      const reporter = reporterAt(server);
      reporter.begins({ name: 'app', release: to });
      reporter.begins({ name: 'app', release: to });
      reporter.ended(updated('app'), RUNS_NEXT);
      const follows = 'latest' as VersionName;
      const known = { running: RUNS_NEXT, follows, wanted: RUNS_NEXT, since: 'now' };
      const state: ReportedBinary = { name: binary('app'), state: 'proving', ...known };
      expect(await reporter.settle(status('after-a-report', state), NEVER)).toBeUndefined();

      const about = { nodeName: 'web 1', node_id: 'id-1', binName: 'app', bin_name: 'app' };
      const target = { targetHash: next.hex, target_hash: next.hex, processingTime: 0, processing_time: 0 };
      expect(server.reports.map(({ path, query, body }) => ({ path, query, body }))).toEqual([
        { path: '/bins/app/progress', query: {}, body: { ...about, ...target, status: 'in_progress' } },
        { path: '/bins/app/progress', query: {}, body: { ...about, ...target, status: 'success' } },
        {
          path: '/bins/app',
          query: {},
          body: {
            ...{ ...about, sha256: next.hex, sha256sum: next.hex, md5: md5Of('next').hex, hash: next.hex },
            version: '2',
          },
        },
        {
          path: '/keepalive',
          query: { node_id: 'id-1', node: 'web 1' },
          body: {
            ...{ nodeName: 'web 1', node_id: 'id-1', node_name: 'web 1', cpuArch: 'x86_64', cpu_arch: 'x86_64' },
            ...{ osRelease: 'Debian', os_release: 'Debian', binProxyVersion: '0.1.0', bin_proxy_version: '0.1.0' },
            binaries: [
              {
                ...{
                  name: 'app',
                  state: 'proving',
                  sha256: next.hex,
                  md5: md5Of('next').hex,
                  version: '2',
                  since: 'now',
                },
                ...{ follows, wanted: { sha256: next.hex, md5: md5Of('next').hex, version: '2' } },
              },
            ],
          },
        },
      ]);
      for (const { headers } of server.reports) {
        expect(headers).toMatchObject({ authorization: 'Bearer hunter2', 'content-type': 'application/json' });
      }
    },
  );

  reportTest('says the same by the way of private certificates and proxies', async ({ server }) => {
    for (const reporter of WAYS.map(({ open }) => reporterAt(server, open()))) {
      reporter.begins({ name: 'app', release: to });
      expect(await reporter.settle(status('never'), NEVER)).toBeUndefined();
    }
    const [one, other] = server.reports.map(({ path, body }) => ({ path, body }));
    expect(other).toEqual(one);
    expect(other?.body).toMatchObject({ targetHash: next.hex });
  });

  reportTest('tells of a failure where its begin was told, and of a rollback in every case', async ({ server }) => {
    const reporter = reporterAt(server);
    reporter.ended(failed('never-begun'), undefined);
    reporter.begins({ name: 'cut', release: to });
    reporter.ended(failed('cut'), undefined);
    reporter.ended(failed('cut'), undefined);
    reporter.ended({ ...failed('late'), outcome: 'rolled-back', reason: 'did-not-stay-up' }, RUNS_OLD);
    const stuck = { outcome: 'rollback-failed', reason: 'did-not-start', rollbackDetail: 'x' } as const;
    reporter.ended({ ...failed('stuck'), ...stuck }, undefined);
    reporter.ended({ name: binary('idle'), outcome: 'up-to-date', reason: 'up-to-date', detail: '' }, RUNS_OLD);
    await reporter.settle(status('never'), NEVER);
    const told = server.reports.map(({ path, body }) => [path, body['status'], body['outcome'], body['reason']]);
    expect(told).toEqual([
      ['/bins/cut/progress', 'in_progress', undefined, undefined],
      ['/bins/cut/progress', 'failed', undefined, 'download-failed: cut'],
      ['/bins/late/progress', 'failed', 'rolled-back', 'did-not-stay-up: cut'],
      ['/bins/late', undefined, undefined, undefined],
      ['/bins/stuck/progress', 'failed', 'rollback-failed', 'did-not-start: cut'],
    ]);
    expect(server.reports[3]?.body).toMatchObject({ sha256: old.hex });
    expect(server.reports[3]?.body).not.toHaveProperty('version');
  });

  reportTest('tells of the whole host after a report, or when it is due, and else not', async ({ server }) => {
    await reporterAt(server).settle(status('after-a-report'), NEVER);
    await reporterAt(server).settle(status('never'), NEVER);
    expect(paths(server)).toEqual([]);
    await reporterAt(server).settle(status('always'), NEVER);
    expect(paths(server)).toEqual(['/keepalive']);
  });

  reportTest('leaves no name out of its place in an address (invariant 10)', async ({ server }) => {
    const reporter = reporterAt(server);
    reporter.begins({ name: '../../a b?x=1#y', release: to });
    await reporter.settle(status('never'), NEVER);
    expect(server.requests).toEqual(['POST /api/v1/bins/..%2F..%2Fa%20b%3Fx%3D1%23y/progress']);
  });

  reportTest('goes on where a server does not know one kind of report, and says so once', async ({ server }) => {
    server.answerReports(({ url }, response) => {
      response.writeHead(url?.endsWith('/progress') ? 404 : 201).end('{}');
    });
    const reporter = reporterAt(server);
    reporter.begins({ name: 'app', release: to });
    reporter.ended(updated('app'), RUNS_NEXT);
    const trouble = await reporter.settle(status('always'), NEVER);
    expect(paths(server)).toEqual(['/bins/app/progress', '/bins/app/progress', '/bins/app', '/keepalive']);
    expect(trouble).toBe(`HTTP 404 from ${server.api}/bins/app/progress, expected 200`);
  });

  reportTest('tells of the whole host where there was no time for the rest', async ({ server }) => {
    server.answerReports(({ url }, response) => {
      setTimeout(() => response.end('{}'), url?.includes('keepalive') ? 0 : 900);
    });
    const reporter = reporterAt(server);
    for (const name of ['a', 'b', 'c', 'd', 'e']) reporter.begins({ name, release: to });
    expect(await reporter.settle(status('always'), NEVER)).toBe('the run was over before all reports were sent');
    expect(paths(server).at(-1)).toBe('/keepalive');
    expect(paths(server).length).toBeLessThan(6);
  });
});
