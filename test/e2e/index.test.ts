import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program, sha256 } from '../support/program.ts';
import { untilSettled } from '../support/settled.ts';
import { HERE } from '../support/source.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 1500 })];
const INDEX = 'GET /api/v1/index.json';

describe.concurrent('a host of a server with an index', () => {
  hostTest('is updated through it, and then asks one question a tick (invariant 12)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app', { name: 'tool', service: false }, { name: 'fixed', version: '1.4.2', service: false });
    host.server.offersIndex();
    host.server.publish('app', v2);
    host.server.publish('tool', v1);
    host.server.channel('fixed', 'beta', { version: '1.4.2', builds: { [HERE]: v1 } });

    const ran = await host.tick();
    expect(ran.binaries.map(({ outcome }) => outcome)).toEqual(['updated', 'updated', 'updated']);
    expect(outcomeOf(ran, 'app')).toMatchObject({ to: `sha256:${sha256(v2)}`, version: `0-${md5(v2)}` });
    expect(host.installed('app')).toEqual(v2);
    expect(await host.runsInstalled('app')).toBe(true);
    expect(host.manifestEntry('app')).toMatchObject({ currentSha256: sha256(v2), currentMd5: '' });
    expect(host.server.requests).not.toContainEqual(expect.stringContaining('/releases/'));

    await untilSettled();
    await host.tick();
    host.server.requests.splice(0);
    host.server.headers.splice(0);
    const cache = statSync(join(host.stateDir, 'cache.json'), { bigint: true });
    for (let tick = 0; tick < 2; tick++) {
      const idle = await host.tick();
      expect(idle.binaries.map(({ outcome }) => outcome)).toEqual(['up-to-date', 'up-to-date', 'up-to-date']);
    }
    expect(host.server.requests).toEqual([INDEX, INDEX]);
    for (const headers of host.server.headers) expect(headers['if-none-match']).toMatch(/^".+"$/);
    expect(statSync(join(host.stateDir, 'cache.json'), { bigint: true }).ctimeNs).toBe(cache.ctimeNs);
  });

  hostTest('goes back to an older release when its channel does: wanted means equal, not newer', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.offersIndex();
    const at = (version: string, bytes: Buffer) =>
      host.server.channel('app', 'stable', { version, builds: { [HERE]: bytes } });
    at('1.1', v2);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', version: '1.1' });
    at('1.0', v1);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', version: '1.0' });
    expect(host.installed('app')).toEqual(v1);
    expect(await host.runsInstalled('app')).toBe(true);
  });

  hostTest('takes the build for its own platform, and says what there is where there is none', async ({ host }) => {
    host.install('other', v1);
    host.manages({ name: 'app', service: false }, { name: 'other', service: false });
    host.server.offersIndex();
    host.server.channel('app', 'stable', { version: '2', builds: { 'linux/plan9': bad, any: v1, [HERE]: v2 } });
    host.server.channel('other', 'stable', { version: '2', builds: { 'linux/plan9': bad } });

    const ran = await host.tick();
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app')).toEqual(v2);
    expect(outcomeOf(ran, 'other')).toMatchObject({
      outcome: 'failed',
      reason: 'wrong-platform',
      detail: `2 has linux/plan9, this host is ${HERE}`,
      hint: 'Publish a build for this platform.',
    });
    expect(ran.code).toBe(20);
    expect(host.installed('other')).toEqual(v1);
  });

  hostTest('does not install again what it has, when md5 becomes sha256 and back (invariant 12)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', to: `md5:${md5(v2)}` });
    const before = [readFileSync(host.manifest, 'utf8'), host.record('app'), host.inode('app')];
    const pid = await host.supervisor.pid('app');
    await untilSettled();

    host.server.answer('/releases/latest/app/md5', (_, response) => {
      response.end(JSON.stringify({ code: 0, data: { md5: md5(v2), sha256: sha256(v2) } }));
    });
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'up-to-date', to: `sha256:${sha256(v2)}` });
    const cache = statSync(join(host.stateDir, 'cache.json'), { bigint: true });
    for (let tick = 0; tick < 2; tick++) await host.tick();
    expect(statSync(join(host.stateDir, 'cache.json'), { bigint: true }).ctimeNs).toBe(cache.ctimeNs);
    host.server.answer('/releases/latest/app/md5', undefined);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'up-to-date', to: `md5:${md5(v2)}` });

    expect([readFileSync(host.manifest, 'utf8'), host.record('app'), host.inode('app')]).toEqual(before);
    expect(await host.supervisor.pid('app')).toBe(pid);
  });

  hostTest('is told once a server whose index it cannot read, and works without it', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    host.server.answer('/index.json', (_, response) => {
      response.end('{"schema":"bin-manager/index/2","binaries":{}}');
    });
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    for (let tick = 0; tick < 3; tick++) {
      const idle = await host.tick();
      expect(outcomeOf(idle, 'app')).toMatchObject({ outcome: 'up-to-date' });
      expect([idle.code, idle.stderr]).toEqual([0, '']);
    }
    expect(host.log().match(/its schema is "bin-manager\/index\/2"/g)).toHaveLength(1);
    expect(host.server.requests.filter((request) => request === INDEX)).toHaveLength(1);
  });

  hostTest('refuses a file of another size than the index says, and touches nothing live', async ({ host }) => {
    host.install('app', v1);
    host.manages({ name: 'app', service: false });
    host.server.offersIndex();
    host.server.publish('app', v2);
    for (const bytes of [v2.subarray(0, -1), Buffer.concat([v2, Buffer.from('x')])]) {
      host.server.answer(`/artifacts/${sha256(v2)}`, (_, response) => response.end(bytes));
      const ran = await host.tick(['--force']);
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'download-failed' });
      expect(host.installed('app')).toEqual(v1);
      expect(host.leftovers()).toEqual([]);
    }
  });

  hostTest('does not write the query of a signed link into its log (invariant 14)', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.channel('app', 'stable', { version: '1', builds: { [HERE]: v1 } });
    const url = `artifacts/${sha256(v1)}?signature=hunter2`;
    host.server.answer(`/${url}`, (_, response) => response.end(v1));
    const artifacts = [{ platform: HERE, sha256: sha256(v1), url }];
    host.server.answer('/index.json', (_, response) => {
      const binaries = { app: { channels: { stable: { version: '1', artifacts } } } };
      response.end(JSON.stringify({ schema: 'bin-manager/index/1', binaries }));
    });
    const ran = await host.tick(['-vv']);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.log()).toContain(`downloading ${host.server.api}/artifacts/${sha256(v1)}\n`);
    for (const told of [host.log(), ran.stdout, ran.stderr]) expect(told).not.toContain('hunter2');
  });
});

describe.concurrent('a release in quarantine (invariant 5)', () => {
  hostTest('stays there when the server begins to offer the same bytes by sha256', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', bad);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'rolled-back' });
    const pid = await host.supervisor.pid('app');

    host.server.offersIndex();
    // The same server under another spelling: what was remembered of it does not count.
    const ran = await host.tick([], { BIN_MANAGER_API: `${host.server.api.replace('127.0.0.1', 'localhost')}` });
    expect(outcomeOf(ran, 'app')).toMatchObject({
      outcome: 'held',
      reason: 'quarantined',
      to: `sha256:${sha256(bad)}`,
    });
    expect(await host.supervisor.pid('app')).toBe(pid);
  });

  hostTest('stays there, with its companion, when the index is gone and only md5 is left', async ({ host }) => {
    host.install('tool', v1);
    await host.runs('app', v1);
    host.manages('app', { name: 'tool', service: 'app' });
    host.server.offersIndex();
    host.server.publish('app', bad);
    host.server.publish('tool', v2);
    const ran = await host.tick();
    expect(ran.binaries.map(({ outcome }) => outcome)).toEqual(['rolled-back', 'rolled-back']);

    host.server.offersNoIndex();
    const held = await host.tick();
    expect(held.binaries.map(({ reason }) => reason)).toEqual(['quarantined', 'quarantined']);
    expect(outcomeOf(held, 'app').to).toBe(`md5:${md5(bad)}`);
  });
});
