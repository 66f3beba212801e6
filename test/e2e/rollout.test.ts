import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Host, RanTick } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { program } from '../support/program.ts';

const [v1, v2, v3, bad] = [program('1'), program('2'), program('3'), program('bad', { life: 400 })];
const QUICK = { BIN_PROXY_STABLE_SECONDS: '1' };

/** Programs under supervisord, each installed as version 1. */
async function runs(host: Host, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    host.install(name, v1);
    host.supervisor.program({ name, command: host.path(name) });
  }
  await host.supervisor.start();
  for (const name of names) await host.supervisor.untilState(name, 'RUNNING');
}

function told(ran: RanTick, ...names: readonly string[]): readonly string[] {
  return names.map((name) => {
    const { outcome, reason } = outcomeOf(ran, name);
    return outcome === 'held' ? `${name} ${outcome} ${reason}` : `${name} ${outcome}`;
  });
}

/** In the order in which they were restarted. */
function restarts(host: Host): readonly string[] {
  return Array.from(readFileSync(join(host.logFile), 'utf8').matchAll(/restarting (.*)/g), ([, names = '']) => names);
}

describe.concurrent('a run', () => {
  hostTest('changes nothing more after a rollback, and says so; the next one goes on', async ({ host }) => {
    await runs(host, 'a', 'b', 'c');
    host.manages('a', 'b', 'c');
    host.server.publish('a', v2);
    host.server.publish('b', bad);
    host.server.publish('c', v2);

    const first = await host.tick([], QUICK);
    expect(told(first, 'a', 'b', 'c')).toEqual(['a updated', 'b rolled-back', 'c held put-off']);
    expect(outcomeOf(first, 'c').detail).toBe(
      'b was rolled back, and this run changes nothing more; the next one goes on',
    );
    expect(first.code).toBe(20);
    expect(host.installed('c')).toEqual(v1);
    expect(host.log()).toMatch(/info +c: held: b was rolled back/);

    const second = await host.tick([], QUICK);
    expect(told(second, 'a', 'b', 'c')).toEqual(['a up-to-date', 'b held quarantined', 'c updated']);

    host.server.publish('a', bad);
    host.server.publish('c', v3);
    const going = await host.tick(['--keep-going'], QUICK);
    expect(told(going, 'a', 'c')).toEqual(['a rolled-back', 'c updated']);
  });

  hostTest('changes no more services than it may, what others depend on first', async ({ host }) => {
    await runs(host, 'api', 'db', 'web');
    host.manages({ name: 'web', dependsOn: ['api'] }, { name: 'api', dependsOn: ['db'] }, 'db');
    for (const name of ['web', 'api', 'db']) host.server.publish(name, v2);
    const bounded = { ...QUICK, BIN_PROXY_MAX_CHANGES: '2' };

    const plan = await host.run(['plan'], bounded);
    expect(plan.stdout).toMatch(/api +new release, after db$/m);
    expect(plan.stdout).toContain(
      'To do it: bin-proxy run. At most 2 of the services in one run (BIN_PROXY_MAX_CHANGES).\n',
    );
    const first = await host.run(['run'], bounded);
    expect(first.stdout).toMatch(/^web {2}put off .* at most 2 of the services are changed in one run/m);
    expect(first.code).toBe(0);
    expect(told(await host.tick([], bounded), 'web')).toEqual(['web updated']);
    expect(restarts(host)).toEqual(['db', 'api', 'web']);

    // What it depends on goes back: it is not updated until that one is as it should be.
    host.server.publish('db', bad);
    host.server.publish('web', v3);
    const failed = await host.tick(['--keep-going'], QUICK);
    expect(told(failed, 'db', 'web')).toEqual(['db rolled-back', 'web held put-off']);
    expect(outcomeOf(failed, 'web').detail).toBe('it depends on db, which was rolled back in this run');
    const waiting = await host.tick([], QUICK);
    expect(told(waiting, 'db', 'web')).toEqual(['db held quarantined', 'web held waiting-for-dependency']);
    expect((await host.run(['explain', 'web'], QUICK)).stdout).toContain(
      'waiting for db, which it depends on: it is in quarantine',
    );
    expect(told(await host.tick(['web'], QUICK), 'web')).toEqual(['web updated']);
  });
});
