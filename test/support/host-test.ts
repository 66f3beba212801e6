import { test } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import { has, isRoot } from './components.ts';
import { Host, type RanTick } from './host.ts';
import { Mounts, mayMount } from './mounts.ts';

const base = test.extend<{ host: Host }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  host: async ({}, use) => {
    const host = await Host.create();
    await use(host);
    await host.remove();
  },
});

/** What is mounted in the host's folder goes before the folder does. */
const withMounts = base.extend<{ mounts: Mounts }>({
  mounts: async ({ host }, use) => {
    const mounts = new Mounts();
    await use(mounts);
    await host.supervisor.stop();
    mounts.removeAll();
  },
});

const isReady = has('supervisord', 'supervisorctl', 'cc', 'flock');

/** A test with a host of its own, removed afterwards. */
export const hostTest = base.skipIf(!isReady);

/** The same, for what only root can do. */
export const rootHostTest = base.skipIf(!isReady || !isRoot);

/** The same, with file systems of its own. */
export const mountTest = withMounts.skipIf(!isReady || !mayMount);

/** What the tick did about one binary. */
export function outcomeOf(ran: RanTick, name: string): Outcome {
  const found = ran.binaries.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no outcome for ${name}: exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return found;
}
