import { describe, expect } from 'vitest';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';
import { sendFile } from '../support/release-server.ts';

const good = program('good');
const elfOf = (machine: number) => {
  const bytes = Buffer.from(program('foreign'));
  bytes.writeUInt16LE(machine, 18);
  return bytes;
};
const other = process.arch === 'arm64' ? elfOf(62) : elfOf(183);

/** Whether it dies before or after supervisor calls it RUNNING depends on how busy the machine is. */
const EITHER = /^did-not-(start|stay-up)$/;

describe.concurrent('a release that does not run', () => {
  const starts = [
    {
      title: 'dies after two seconds',
      release: program('bad', { life: 2000 }),
      options: [],
    },
    { title: 'dies at once', release: program('bad', { life: 1 }), options: [] },
    {
      title: 'crash-loops although the restart exits with 0',
      release: program('bad', { life: 300 }),
      options: ['startsecs=0'],
    },
    {
      title: 'exits with 0 as if its work were done',
      release: program('bad', { life: 1500, exit: 0 }),
      options: ['autorestart=unexpected'],
    },
  ];
  for (const { title, release, options } of starts) {
    hostTest(
      `${title}: the former one is back, proven, and the release in quarantine (invariant 6)`,
      async ({ host }) => {
        await host.runs('app', good, options);
        host.manages({ name: 'app', currentMd5: 'as it was' });
        host.server.publish('app', release);

        const ran = await host.tick();

        expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back', to: `md5:${md5(release)}` });
        expect(outcomeOf(ran, 'app').reason).toMatch(EITHER);
        expect(ran.code).toBe(20);
        expect(host.installed('app')).toEqual(good);
        expect(await host.supervisor.state('app')).toBe('RUNNING');
        expect(await host.runsInstalled('app')).toBe(true);
        expect(host.manifestEntry('app')).toMatchObject({ currentMd5: 'as it was' });
        expect(host.record('app')).toMatchObject({
          quarantine: [{ release: `md5:${md5(release)}`, count: 1 }],
        });
        expect(host.leftovers()).toEqual([]);
      },
    );
  }

  const unfit = [
    {
      title: 'an HTML page',
      release: Buffer.from('<!doctype html><title>502 Bad Gateway</title>'),
      found: '<!doctype html>',
    },
    { title: 'built for another architecture', release: other, found: 'this host is' },
  ];
  for (const { title, release, found } of unfit) {
    hostTest(`${title}: nothing live is touched, and it is not fetched again (invariant 2)`, async ({ host }) => {
      await host.runs('app', good);
      host.manages('app');
      host.server.publish('app', release);
      const pid = await host.supervisor.pid('app');

      const first = outcomeOf(await host.tick(), 'app');
      const second = outcomeOf(await host.tick(), 'app');

      expect(first).toMatchObject({ outcome: 'failed', reason: 'not-runnable' });
      expect(first.detail).toContain(found);
      expect(second).toMatchObject({ outcome: 'held', reason: 'quarantined' });
      expect(host.server.requests.filter((path) => path.endsWith('/download'))).toHaveLength(1);
      expect(host.installed('app')).toEqual(good);
      expect(await host.supervisor.pid('app')).toBe(pid);
      expect(host.leftovers()).toEqual([]);
    });
  }

  hostTest('on a first install: the file is gone again, as before', async ({ host }) => {
    host.manages('app');
    host.supervisor.program({ name: 'app', command: host.path('app') });
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'FATAL');
    host.server.publish('app', program('bad', { life: 1500 }));

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back' });
    expect(outcomeOf(ran, 'app').reason).toMatch(EITHER);
    expect(() => host.installed('app')).toThrow('ENOENT');
    expect(host.record('app')).toMatchObject({ quarantine: [{ count: 1 }] });
    // It is down, but nobody stopped it on purpose: the next release starts it.
    host.server.publish('app', good);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated', service: 'restarted' });
    expect(await host.runsInstalled('app')).toBe(true);
  });

  hostTest('fails its check: nothing live is touched, and the release is to blame', async ({ host }) => {
    await host.runs('app', good);
    host.manages({ name: 'app', check: ['{file}', '--version'] });
    const bad = program('bad', { check: 3 });
    host.server.publish('app', bad);
    const pid = await host.supervisor.pid('app');

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'check-failed' });
    expect(outcomeOf(ran, 'app').detail).toContain('exited with 3, saying "VERSION=bad"');
    expect(host.record('app')).toMatchObject({ quarantine: [{ release: `md5:${md5(bad)}` }] });
    expect(await host.supervisor.pid('app')).toBe(pid);
  });
});

describe.concurrent('a host on which the former version fails too', () => {
  hostTest('gets a short retry, and the release no quarantine (invariant 5)', async ({ host }) => {
    // Already broken before the update: it dies at once, again and again.
    host.install('app', program('old', { life: 1 }));
    host.supervisor.program({ name: 'app', command: host.path('app') });
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'FATAL');
    host.manages('app');
    const next = program('new', { life: 1 });
    host.server.publish('app', next);

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back', reason: 'did-not-start' });
    expect(host.record('app')).toMatchObject({ quarantine: [], backoff: { release: `md5:${md5(next)}`, count: 1 } });
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'held', reason: 'backing-off' });
  });

  hostTest('fails its check: the host is to blame (invariant 5)', async ({ host }) => {
    host.install('app', program('old', { check: 1 }));
    host.manages({ name: 'app', service: false, check: ['{file}', '--version'] });
    host.server.publish('app', program('new', { check: 1 }));
    expect(outcomeOf(await host.tick(), 'app').detail).toContain('the installed version fails it too');
    expect(host.record('app')).toMatchObject({ quarantine: [], backoff: { reason: 'check-failed' } });
  });
});

describe.concurrent('a server that sends something else', () => {
  hostTest('than it announced: the digest decides, nothing is touched, the next tick tries again', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    const next = program('next');
    host.server.publish('app', next);
    host.server.answer('/releases/latest/app/download', (request, response) =>
      sendFile(request, response, program('evil')),
    );

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'digest-mismatch' });
    expect(ran.code).toBe(20);
    expect(host.installed('app')).toEqual(good);
    host.server.answer('/releases/latest/app/download', undefined);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
  });

  hostTest('and breaks off in the middle: nothing is touched', async ({ host }) => {
    host.install('app', good);
    host.manages({ name: 'app', service: false });
    const next = program('next');
    host.server.publish('app', next);
    host.server.answer('/releases/latest/app/download', (_, response) => {
      response.writeHead(200, { 'content-length': next.length });
      response.write(next.subarray(0, 1000), () => response.destroy());
    });

    const ran = await host.tick();

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'download-failed' });
    expect(host.installed('app')).toEqual(good);
    expect(host.leftovers()).toEqual([]);
  });

  hostTest('resumes a transfer that broke off, where the server can do that', async ({ host }) => {
    host.install('app', good);
    host.manages({ name: 'app', service: false });
    const next = Buffer.concat([program('next'), Buffer.alloc(300_000, 'x')]);
    host.server.publish('app', next);
    host.server.answer('/releases/latest/app/download', (request, response) => {
      if (request.headers.range !== undefined) return sendFile(request, response, next);
      response.writeHead(200, { 'content-length': next.length, etag: `"${md5(next)}"` });
      response.write(next.subarray(0, 200_000), () => setTimeout(() => response.destroy(), 100));
    });
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app')).toEqual(next);
    expect(host.server.headers.some(({ range }) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });
});
