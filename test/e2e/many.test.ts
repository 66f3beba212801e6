import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { program } from '../support/program.ts';

const [v1, v2] = [program('1'), program('2')];

describe('many binaries', () => {
  hostTest('of which three fail: the others are updated', async ({ host }) => {
    const names = Array.from({ length: 50 }, (_, index) => `app${index}`);
    host.manages(...names.map((name) => ({ name, service: false })));
    for (const name of names) host.server.publish(name, program(name));
    host.server.publish('app7', Buffer.from('<html>'));
    host.server.answer('/releases/latest/app17/md5', (_, response) => response.writeHead(500).end());
    host.server.answer('/releases/latest/app27/download', (_, response) => response.end('something else'));

    const ran = await host.tick();

    const failed = ran.binaries.filter(({ outcome }) => outcome !== 'updated');
    expect(failed.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
      'app7 not-runnable',
      'app17 source-unreachable',
      'app27 digest-mismatch',
    ]);
    expect(ran.code).toBe(20);
    expect(ran.binaries.map(({ name }) => name)).toEqual(names);
    for (const name of names)
      if (!failed.some((one) => one.name === name)) expect(host.installed(name)).toEqual(program(name));
  });
});

describe('many ticks', () => {
  hostTest('started at once: one acts, the service is restarted once (invariant 11)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);

    const ran = await Promise.all(Array.from({ length: 20 }, () => host.tick()));

    const codes = ran.map(({ code }) => code);
    expect(codes.filter((code) => code === 0).length).toBeGreaterThanOrEqual(1);
    expect(codes.filter((code) => code !== 0 && code !== 75)).toEqual([]);
    expect(ran.flatMap(({ binaries }) => binaries).filter(({ outcome }) => outcome === 'updated')).toHaveLength(1);
    expect(host.log().match(/restarting app/g)).toHaveLength(1);
    expect(await host.runsInstalled('app')).toBe(true);
  });

  hostTest('one that meets a running one says who holds the lock, and goes away', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);

    const first = host.tick();
    while (!existsSync(`${host.lockFile}.owner`)) await delay(20);
    const [second, quiet, holder] = await Promise.all([
      host.tick(),
      host.run(['run', '--quiet']),
      host.run(['unlock']),
    ]);

    expect(second.code).toBe(75);
    expect(second.stderr).toMatch(/the lock .* is held by pid \d+ since 20.*, command "bin-proxy run --json"/);
    expect(quiet).toMatchObject({ code: 75, stdout: '', stderr: '' });
    expect(holder.code).toBe(75);
    expect(holder.stdout).toMatch(/is held by pid \d+/);
    expect(outcomeOf(await first, 'app')).toMatchObject({ outcome: 'updated' });
    expect((await host.run(['unlock'])).stdout).toBe(`${host.lockFile} is free.\n`);
  });

  hostTest(
    'a dead one whose pid another program has by now holds nothing, and nobody is asked to end',
    async ({ host }) => {
      host.manages();
      const stranger = spawn('sleep', ['infinity'], { stdio: 'ignore' });
      try {
        mkdirSync(dirname(host.lockFile), { mode: 0o700 });
        const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
        const owner = {
          pid: stranger.pid,
          startTime: '1',
          bootId,
          since: '2030-01-01T00:00:00.000Z',
          command: 'bin-proxy',
        };
        writeFileSync(`${host.lockFile}.owner`, JSON.stringify(owner));

        const unlocked = await host.run(['unlock', '--force']);

        expect(unlocked.stdout).toBe(`${host.lockFile} is free.\n`);
        expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
      } finally {
        stranger.kill('SIGKILL');
      }
    },
  );

  hostTest('one that is asked to end finishes its transaction first (unlock --force)', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', v2);

    const first = host.tick();
    while (!existsSync(`${host.stateDir}/journal.json`)) await delay(20);
    const unlocked = await host.run(['unlock', '--force']);

    expect(unlocked.stdout).toMatch(/is free: pid \d+ has ended/);
    expect(outcomeOf(await first, 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.leftovers()).toEqual([]);
  });
});
