import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [good, next] = [program('good'), program('next')];
const SHORT = { BIN_PROXY_STABLE_SECONDS: '1' };
const onProbation = (host: Host) => existsSync(join(host.stateDir, 'probation.json'));

/** The program dies by itself, as far as supervisord can tell. */
async function crash(host: Host): Promise<void> {
  const pid = await host.supervisor.pid('app');
  process.kill(pid, 'SIGSEGV');
  await host.supervisor.until(async () => (await host.supervisor.pid('app')) !== pid);
}

describe.concurrent('a release on probation', () => {
  hostTest(
    'that falls into a crash loop after its window is rolled back by a later tick (invariant 5)',
    async ({ host }) => {
      await host.runs('app', good);
      host.manages('app');
      host.server.publish('app', next);
      expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'updated' });

      for (let time = 1; time < 3; time++) {
        await crash(host);
        expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'up-to-date' });
      }
      await crash(host);
      const ran = await host.tick([], SHORT);

      expect(outcomeOf(ran, 'app')).toMatchObject({
        outcome: 'rolled-back',
        reason: 'did-not-stay-up',
        to: `md5:${md5(next)}`,
      });
      expect(outcomeOf(ran, 'app').detail).toContain('on probation');
      expect(host.installed('app')).toEqual(good);
      expect(await host.runsInstalled('app')).toBe(true);
      expect(host.record('app')).toMatchObject({ quarantine: [{ release: `md5:${md5(next)}` }] });
      expect(onProbation(host)).toBe(false);
      expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'held', reason: 'quarantined' });
    },
  );

  hostTest('that ends for good is rolled back by the next tick, without the network', async ({ host }) => {
    await host.runs('app', good, ['autorestart=false']);
    host.manages('app');
    host.server.publish('app', next);
    expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'updated' });
    await crash(host);
    expect(await host.supervisor.state('app')).toBe('EXITED');
    await host.server.stop();

    const ran = await host.tick([], SHORT);

    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back' });
    expect(host.installed('app')).toEqual(good);
    expect(await host.runsInstalled('app')).toBe(true);
  });

  hostTest('bears a restart by hand, and a stop by hand ends it (invariant 7)', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', next);
    await host.tick([], SHORT);
    await host.supervisor.ctl('restart', 'app');
    expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'up-to-date' });
    const file = JSON.parse(readFileSync(join(host.stateDir, 'probation.json'), 'utf8')) as {
      probations: { restarts: number }[];
    };
    expect(file.probations.map(({ restarts }) => restarts)).toEqual([1]);

    await host.supervisor.ctl('stop', 'app');
    expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'up-to-date' });
    expect(onProbation(host)).toBe(false);
    expect(await host.supervisor.state('app')).toBe('STOPPED');
  });

  hostTest('leaves down what was stopped by hand ticks before another process failed', async ({ host }) => {
    host.install('app', good);
    const options = ['numprocs=2', 'process_name=%(process_num)d', 'autorestart=false'];
    host.supervisor.program({ name: 'app', command: host.path('app'), options });
    await host.supervisor.start();
    for (const process of ['app:0', 'app:1']) await host.supervisor.untilState(process, 'RUNNING');
    host.manages({ name: 'app', service: 'app:*' });
    host.server.publish('app', next);
    expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'updated' });
    await host.supervisor.ctl('stop', 'app:1');
    expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'up-to-date' });
    process.kill(await host.supervisor.pid('app:0'), 'SIGSEGV');
    await host.supervisor.untilState('app:0', 'EXITED');

    expect(outcomeOf(await host.tick([], SHORT), 'app')).toMatchObject({ outcome: 'rolled-back' });

    expect(await host.runsInstalled('app', 'app:0')).toBe(true);
    expect(host.installed('app')).toEqual(good);
    expect(await host.supervisor.state('app:1')).toBe('STOPPED');
  });

  hostTest('is over when its time is up, and nothing is written before', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', next);
    const settings = { ...SHORT, BIN_PROXY_PROBATION_SECONDS: '8' };
    await host.tick([], settings);
    const before = readFileSync(join(host.stateDir, 'probation.json'));
    await host.tick([], settings);
    expect(readFileSync(join(host.stateDir, 'probation.json'))).toEqual(before);
    await delay(8000);
    await host.tick([], settings);
    expect(onProbation(host)).toBe(false);
    expect(host.log()).toContain('app: probation is over');
  });

  hostTest('is not begun where it is switched off', async ({ host }) => {
    await host.runs('app', good);
    host.manages('app');
    host.server.publish('app', next);
    await host.tick([], { ...SHORT, BIN_PROXY_PROBATION_SECONDS: '0' });
    expect(onProbation(host)).toBe(false);
  });
});
