import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2] = [program('1'), program('2')];
const LONG = { BIN_PROXY_STABLE_SECONDS: '5' };

/** A tick in whose window, once the new release runs, something happens to supervisord. */
async function tickWhile(host: Host, happens: () => Promise<void>) {
  await host.runs('app', v1);
  host.manages('app');
  host.server.publish('app', v2);
  const tick = host.tick([], LONG);
  await host.supervisor.until(() =>
    host
      .runsInstalled('app')
      .then((runs) => runs && host.installed('app').equals(v2))
      .catch(() => false),
  );
  // Before it is RUNNING the start itself is still waited for, and nothing is watched.
  await host.supervisor.untilState('app', 'RUNNING');
  await delay(1_000);
  await happens();
  return tick;
}

/** Nobody is blamed, and the release is what runs in the end (invariant 5). */
async function expectProven(host: Host): Promise<void> {
  expect(host.record('app')).toMatchObject({ active: { release: `md5:${md5(v2)}` }, quarantine: [] });
  expect(await host.runsInstalled('app')).toBe(true);
}

describe.concurrent('supervisord, while a release is proven (invariant 5)', () => {
  hostTest('is restarted: the watch begins anew', async ({ host }) => {
    const ran = await tickWhile(host, async () => {
      await host.supervisor.stop();
      await host.supervisor.start();
    });
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    await expectProven(host);
  });

  hostTest('is killed and comes back, and leaves an orphan: the watch begins anew', async ({ host }) => {
    let orphan = 0;
    const ran = await tickWhile(host, async () => {
      orphan = await host.supervisor.pid('app');
      await host.supervisor.kill();
      await host.supervisor.start();
    });
    process.kill(orphan, 'SIGKILL');
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    await expectProven(host);
  });
});
