import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { describe, expect } from 'vitest';
import { eventually, RunningTick } from '../crash/during.ts';
import { QUICK } from '../crash/scenarios.ts';
import { beginAt, FAKED, minutesAfterKeepalive, timeTest } from '../support/fake-time.ts';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program, sha256 } from '../support/program.ts';
import { ReleaseServer } from '../support/release-server.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 300 })];
const DIED = /^did-not-(start|stay-up): /;

/** What the server was told since the last time: where, and the fields that matter. */
function told(host: Host): readonly (readonly unknown[])[] {
  return host.server.reports.splice(0).map(({ path, body }) => {
    if (path !== '/keepalive') return [path, body['status'] ?? body['sha256'], body['outcome']];
    const binaries = body['binaries'] as readonly Record<string, unknown>[];
    return [path, ...binaries.map(({ name, state, sha256: digest }) => [name, state, digest])];
  });
}

/** A host without services, whose server asks for reports. */
function plainHost(host: Host, ...names: readonly string[]): void {
  host.manages(...names.map((name) => ({ name, service: false })));
  host.server.wantsReports();
  for (const name of names) host.server.publish(name, v1);
}

describe.concurrent('a host whose server asks for reports', () => {
  hostTest('tells of an update, and of a rollback and why', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.wantsReports();
    host.server.publish('app', v2);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.server.reports.map(({ body }) => body['targetHash'])).toContain(sha256(v2));
    expect(told(host)).toEqual([
      ['/bins/app/progress', 'in_progress', undefined],
      ['/bins/app/progress', 'success', undefined],
      ['/bins/app', sha256(v2), undefined],
      ['/keepalive', ['app', 'proving', sha256(v2)]],
    ]);

    host.server.publish('app', bad);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'rolled-back' });
    const [, progress, version, keepalive] = host.server.reports.map(({ body }) => body);
    expect(progress?.['reason']).toMatch(DIED);
    expect(version).toMatchObject({ md5: md5(v2), version: `0-${md5(v2)}` });
    expect(told(host)).toEqual([
      ['/bins/app/progress', 'in_progress', undefined],
      ['/bins/app/progress', 'failed', 'rolled-back'],
      ['/bins/app', sha256(v2), undefined],
      ['/keepalive', ['app', 'rolled-back', sha256(v2)]],
    ]);
    // What the server knows of who is behind, it need not guess.
    const wants = { follows: 'latest', wanted: { sha256: sha256(bad), version: `0-${md5(bad)}` } };
    expect(keepalive?.['binaries']).toEqual([expect.objectContaining(wants)]);
  });

  hostTest('tells that a rollback failed, and not what runs then', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.wantsReports();
    host.server.publish('app', bad);
    // A supervisorctl that dies as soon as it is to stop something.
    const ran = await host.tick([], { ...QUICK, ...host.whereSupervisorctl('stop', 'kill -9 $$') });
    expect(ran.code).toBe(21);
    expect(told(host)).toEqual([
      ['/bins/app/progress', 'in_progress', undefined],
      ['/bins/app/progress', 'failed', 'rollback-failed'],
      ['/keepalive', ['app', 'rollback-failed', undefined]],
    ]);
  });

  hostTest(
    'tells of a download that failed, of what was missing before, and of no mistake in the set-up',
    async ({ host }) => {
      host.manages({ name: 'app', service: false }, { name: 'other', path: '/proc/nothing/other', service: false });
      host.server.wantsReports();
      host.server.publish('app', v1);
      host.server.publish('other', v1);
      host.server.answer(`/artifacts/${sha256(v1)}`, (_, response) => response.writeHead(503).end());
      const ran = await host.tick();
      expect(ran.binaries.map(({ reason }) => reason)[0]).toBe('download-failed');
      const [, failed] = host.server.reports.map(({ body }) => body);
      expect(failed?.['reason']).toMatch(/^download-failed: HTTP 503/);
      expect(told(host)).toEqual([
        ['/bins/app/progress', 'in_progress', undefined],
        ['/bins/app/progress', 'failed', undefined],
        ['/keepalive', ['app', 'missing', undefined], ['other', 'missing', undefined]],
      ]);
    },
  );

  timeTest('tells nothing of what is in quarantine, but keeps alive in one minute of fifteen', async ({ host }) => {
    plainHost(host, 'app', 'tool');
    host.server.publish('tool', Buffer.from('<html>'));
    beginAt(host, await minutesAfterKeepalive(-2));
    const ran = await host.tick([], FAKED);
    expect(ran.binaries.map(({ reason }) => reason)).toEqual(['not-installed', 'not-runnable']);
    host.server.reports.splice(0);
    for (const minutes of [-1, 0, 1]) {
      beginAt(host, await minutesAfterKeepalive(minutes));
      const idle = await host.tick([], FAKED);
      expect(idle.binaries.map(({ reason }) => reason)).toEqual(['up-to-date', 'quarantined']);
    }
    expect(host.server.reports.map(({ query }) => query['node'])).toEqual([hostname()]);
    expect(told(host)).toEqual([['/keepalive', ['app', 'ok', sha256(v1)], ['tool', 'quarantined', undefined]]]);

    // Nor does a plan, a run for some of the binaries, or one that must not.
    beginAt(host, await minutesAfterKeepalive(0));
    await host.run(['plan'], { ...FAKED, BIN_PROXY_REPORT: 'on' });
    await host.tick(['app'], FAKED);
    await host.tick([], { ...FAKED, BIN_PROXY_REPORT: 'off' });
    expect(told(host)).toEqual([]);
  });

  hostTest(
    'tells nothing where it is not asked or must not, and older servers everything with "on"',
    async ({ host }) => {
      host.manages({ name: 'app', service: false });
      host.server.offersIndex();
      host.server.publish('app', v1);
      await host.tick();
      host.server.wantsReports();
      host.server.publish('app', v2);
      await host.tick(['--report', 'off']);
      expect([host.installed('app'), told(host)]).toEqual([v2, []]);

      host.server.offersNoIndex();
      host.server.publish('app', v1);
      await host.tick([], { BIN_PROXY_REPORT: 'on' });
      expect(host.server.reports[1]?.body).toMatchObject({ targetHash: md5(v1), status: 'success' });
      expect(host.server.reports.map(({ path }) => path)).toEqual([
        '/bins/app/progress',
        '/bins/app/progress',
        '/bins/app',
        '/keepalive',
      ]);
    },
  );
});

/** What a server may do to those who report, and how the log tells of it. */
const HOSTILE: readonly (readonly [string, string, (response: ServerResponse) => void])[] = [
  ['says nothing', 'no complete answer', () => {}],
  ['breaks off', 'no answer', (response) => response.destroy()],
  ['is in trouble', 'HTTP 500', (response) => response.writeHead(500).end('no')],
  ['says too much', 'larger than', (response) => response.end(Buffer.alloc(10_000_000))],
];

describe.concurrent('a server that cannot be reported to changes nothing (invariant 8)', () => {
  for (const [title, words, answer] of HOSTILE) {
    hostTest(`when it ${title}: outcome, exit code and output are the same`, async ({ host }) => {
      plainHost(host, 'app', 'tool');
      host.server.answerReports((_, response) => answer(response));
      const ran = await host.tick();
      expect(ran.binaries.map(({ outcome }) => outcome)).toEqual(['updated', 'updated']);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
      expect(host.server.reports).toHaveLength(1);
      expect(host.log().match(/cannot report/g)).toHaveLength(1);
      expect(host.log()).toMatch(new RegExp(`warn {2}cannot report to ${host.server.api}: .*${words}`));
    });
  }

  hostTest('when it sends reports elsewhere: nobody follows, and the token stays (invariant 14)', async ({ host }) => {
    const elsewhere = await ReleaseServer.start();
    plainHost(host, 'app');
    const location = `${elsewhere.api}/bins/app/progress`;
    for (const status of [307, 308]) {
      host.server.answerReports((_: IncomingMessage, response) => response.writeHead(status, { location }).end());
      const ran = await host.tick(['--force'], { BIN_MANAGER_TOKEN: 'hunter2' });
      expect([ran.code, outcomeOf(ran, 'app').outcome]).toEqual([0, 'updated']);
      host.server.publish('app', v2);
    }
    expect(host.server.reports.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer hunter2',
      'Bearer hunter2',
    ]);
    expect(elsewhere.requests).toEqual([]);
    expect(host.log()).not.toContain('hunter2');
    await elsewhere.stop();
  });

  hostTest('when it is waited for, the lock is free and all is printed; a signal ends that', async ({ host }) => {
    plainHost(host, 'app');
    // The first two are answered: the one that hangs is sent when everything is done.
    host.server.answerReports((_, response) => void (host.server.reports.length < 3 && response.end('{}')));
    const tick = new RunningTick(host);
    await eventually(() => host.server.reports.length === 3);
    await host.untilUnlocked();
    // While it is looked at, it stands still: it waits no longer than two seconds.
    tick.child.kill('SIGSTOP');
    expect((await host.run(['unlock'])).stdout).toContain('is free');
    expect([tick.child.exitCode, tick.child.signalCode]).toEqual([null, null]);
    tick.child.kill('SIGTERM');
    tick.child.kill('SIGCONT');
    const ran = await tick.end();
    expect([ran.code, outcomeOf(ran, 'app').outcome]).toEqual([0, 'updated']);
    expect(host.log()).toContain('the run was over before all reports were sent');
    expect(host.log()).not.toContain('within 3 s');
  });
});

describe.concurrent('a run that ends before its update does', () => {
  hostTest('by kill -9 leaves it to the next one to tell how it ended', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.wantsReports();
    host.server.publish('app', v2);
    const tick = new RunningTick(host);
    await tick.until('restarting app');
    tick.child.kill('SIGKILL');
    await new Promise((resolve) => tick.child.once('close', resolve));
    await host.untilUnlocked();
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated' });
    expect(told(host).slice(0, -1)).toEqual([
      ['/bins/app/progress', 'in_progress', undefined],
      ['/bins/app/progress', 'success', undefined],
      ['/bins/app', sha256(v2), undefined],
    ]);
  });

  hostTest('by a signal during the download says that it has ended', async ({ host }) => {
    plainHost(host, 'app');
    host.server.answer(`/artifacts/${sha256(v1)}`, (_, response) => {
      response.writeHead(200, { 'content-length': v1.length });
      response.write(v1.subarray(0, 100));
    });
    const tick = new RunningTick(host);
    await eventually(() => host.leftovers().length > 0 && host.server.reports.length === 1);
    tick.child.kill('SIGTERM');
    expect((await tick.end()).code).toBe(143);
    expect(host.server.reports[1]?.body['reason']).toMatch(/^interrupted: /);
    expect(told(host)).toEqual([
      ['/bins/app/progress', 'in_progress', undefined],
      ['/bins/app/progress', 'failed', undefined],
    ]);
  });
});
