import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { type Host, PROGRAM } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { program } from '../support/program.ts';

const [v1, v2] = [program('1'), program('2')];

/** Starts a tick, sends it a signal once `now` is true, and returns how it ended. */
async function signalled(
  host: Host,
  more: Record<string, string>,
  when: { signal: NodeJS.Signals; now: () => boolean },
) {
  const child = spawn(process.execPath, [PROGRAM, 'run'], { env: host.environment(more), stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (!when.now()) await delay(10);
  child.kill(when.signal);
  return (await ended)[0] as number | null;
}

describe.concurrent('a signal', () => {
  hostTest('during a download ends the run at once, and nothing is left (exit code 130)', async ({ host }) => {
    host.install('app', v1);
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v2);
    host.server.answer('/releases/latest/app/download', (_, response) => {
      response.writeHead(200, { 'content-length': v2.length });
      response.write(v2.subarray(0, 100));
    });
    const code = await signalled(host, {}, { signal: 'SIGINT', now: () => host.leftovers().length > 0 });
    expect(code).toBe(130);
    expect(host.installed('app')).toEqual(v1);
    expect(host.leftovers()).toEqual([]);
    expect(host.record('app')).toBeUndefined();
    expect((await host.run(['unlock'])).stdout).toContain('is free');
  });

  hostTest('during a short window lets the transaction end first (exit code 143)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    const now = () => existsSync(join(host.stateDir, 'journal.json'));
    expect(await signalled(host, {}, { signal: 'SIGTERM', now })).toBe(143);
    expect(host.record('app')).toMatchObject({ last: { outcome: 'updated' } });
    expect(host.leftovers()).toEqual([]);
  });

  hostTest('during a long window ends the run after its grace, and the next one goes on', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);
    const now = () => existsSync(join(host.stateDir, 'journal.json'));
    expect(await signalled(host, { BIN_PROXY_STABLE_SECONDS: '600' }, { signal: 'SIGTERM', now })).toBe(143);
    expect(host.leftovers()).toEqual(['journal.json']);
    const pid = await host.supervisor.pid('app');

    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    expect(await host.supervisor.pid('app')).toBe(pid);
    expect(host.leftovers()).toEqual([]);
  });
});
