import { test } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import { Host, type RanTick } from './host.ts';

/** A test with a host of its own, removed afterwards. */
export const hostTest = test.extend<{ host: Host }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from this pattern
  host: async ({}, use) => {
    const host = await Host.create();
    await use(host);
    await host.remove();
  },
});

/** What the tick did about one binary. */
export function outcomeOf(ran: RanTick, name: string): Outcome {
  const found = ran.binaries.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no outcome for ${name}: exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return found;
}
