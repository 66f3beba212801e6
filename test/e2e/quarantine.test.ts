import { describe, expect } from 'vitest';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [good, bad, better] = [program('good'), program('bad', { life: 1500 }), program('better')];

describe.concurrent('a quarantined release (invariant 5)', () => {
  hostTest('is started once, stays out for ticks to come, and another release ends that', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', bad);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'rolled-back' });
    const pid = await host.supervisor.pid('app');

    for (let tick = 0; tick < 3; tick++) {
      const ran = await host.tick();
      expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'held', reason: 'quarantined', to: `md5:${md5(bad)}` });
      expect(ran.code).toBe(0);
    }
    expect(await host.supervisor.pid('app')).toBe(pid);
    expect(host.server.requests.filter((path) => path.endsWith('/download'))).toHaveLength(1);

    host.server.publish('app', better);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    // The bad one does not come back in through the back door.
    host.server.publish('app', bad);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'held', reason: 'quarantined' });
  });

  hostTest('is tried again with --force, and stays out longer the second time', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', bad);
    await host.tick();
    const first = outcomeOf(await host.tick(), 'app');

    expect(outcomeOf(await host.tick(['--force']), 'app')).toMatchObject({ outcome: 'rolled-back' });

    const second = outcomeOf(await host.tick(), 'app');
    const hours = (until: string | undefined) => Math.round((Date.parse(until ?? '') - Date.now()) / 3_600_000);
    expect([hours(first.nextAttempt), hours(second.nextAttempt)]).toEqual([8, 12]);
    expect(second.detail).toContain('failed here 2 times');
  });

  hostTest('held by the manifest is not even asked for', async ({ host }) => {
    host.install('app', good);
    host.manages({ name: 'app', service: false, hold: 'until the audit is over' });
    host.server.publish('app', better);
    const ran = await host.tick(['--force']);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'held', reason: 'held', detail: 'until the audit is over' });
    expect(host.server.requests).toEqual([]);
  });

  hostTest('that failed together with a companion is tried again when the companion changes', async ({ host }) => {
    host.install('tool', good);
    await host.runs('app', good);
    host.manages('app', { name: 'tool', service: 'app' });
    host.server.publish('app', bad);
    host.server.publish('tool', better);

    const ran = await host.tick();
    expect(ran.binaries.map(({ outcome }) => outcome)).toEqual(['rolled-back', 'rolled-back']);
    expect(host.installed('tool')).toEqual(good);
    expect((await host.tick()).binaries.map(({ reason }) => reason)).toEqual(['quarantined', 'quarantined']);

    host.server.publish('app', program('fixed'));
    expect((await host.tick()).binaries.map(({ outcome }) => outcome)).toEqual(['updated', 'updated']);
    expect(host.installed('tool')).toEqual(better);
  });
});
