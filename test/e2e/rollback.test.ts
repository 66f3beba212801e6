import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import { RunningTick } from '../crash/during.ts';
import { type Host, PROGRAM, type RanTick } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v0, v1, v2, v3] = [program('0'), program('1'), program('2'), program('3')];
const QUICK = { BIN_PROXY_STABLE_SECONDS: '1' };
/** No port of a server that is down answers. */
const AWAY = { ...QUICK, BIN_MANAGER_API: 'http://127.0.0.1:1/api/v1' };

async function back(host: Host, ...args: readonly string[]): Promise<RanTick> {
  const ran = await host.run(['rollback', 'app', '--json', ...args], AWAY);
  const document = ran.stdout === '' ? { binaries: [] } : (JSON.parse(ran.stdout) as { binaries: Outcome[] });
  return { ...ran, binaries: document.binaries };
}

async function updates(host: Host, ...versions: readonly Buffer[]): Promise<void> {
  for (const bytes of versions) {
    host.server.publish('app', bytes);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'updated', to: `md5:${md5(bytes)}` });
  }
}

async function runs(host: Host, bytes: Buffer): Promise<void> {
  expect(host.installed('app').equals(bytes)).toBe(true);
  expect(await host.runsInstalled('app')).toBe(true);
  expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(bytes) });
  expect(host.leftovers()).toEqual([]);
}

describe.concurrent('an operator who goes back', () => {
  hostTest('needs no server, and is not overruled until another release comes', async ({ host }) => {
    await host.runs('app', v0);
    host.manages('app');
    await updates(host, v1, v2);

    expect(outcomeOf(await back(host), 'app')).toMatchObject({
      outcome: 'updated',
      reason: 'operator-rollback',
      service: 'restarted',
      from: `md5:${md5(v2)}`,
      to: `md5:${md5(v1)}`,
    });
    await runs(host, v1);
    expect(host.record('app')).toMatchObject({ active: { release: `md5:${md5(v1)}` } });
    expect(host.history().at(-1)).toMatchObject({ outcome: 'updated', reason: 'operator-rollback' });
    for (const command of ['status', 'history']) expect((await host.run([command])).stdout).toContain('went back');

    const next = outcomeOf(await host.tick([], QUICK), 'app');
    expect(next).toMatchObject({ outcome: 'held', reason: 'left-by-operator', to: `md5:${md5(v2)}` });
    await runs(host, v1);

    // Who goes back twice goes further back, here to what was there before the first update.
    expect(outcomeOf(await back(host, '--to', 'factory'), 'app')).toMatchObject({
      outcome: 'updated',
      version: 'factory',
    });
    await runs(host, v0);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ reason: 'left-by-operator' });
    await updates(host, v3);
    await runs(host, v3);
    expect(host.record('app')).not.toHaveProperty('left');
  });

  hostTest('to a version that no longer runs is where it was before', async ({ host }) => {
    const flag = join(host.directory, 'database-is-up');
    writeFileSync(flag, '');
    const old = Buffer.from(`#!/bin/sh\n[ -e ${flag} ] || exit 7\ntrap 'exit 0' TERM\nwhile :; do sleep 0.2; done\n`);
    await host.runs('app', old);
    host.manages('app');
    await updates(host, v2);
    rmSync(flag);

    const ran = await back(host);

    expect(ran.code).toBe(20);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'rolled-back', reason: 'did-not-start' });
    await runs(host, v2);
    expect(outcomeOf(await host.tick([], QUICK), 'app')).toMatchObject({ outcome: 'up-to-date' });
    const again = await back(host, '--to', md5(old).slice(0, 6));
    expect(again).toMatchObject({ code: 20, stderr: expect.stringContaining('that version has failed here') });
  });

  hostTest('is told what there is, shown what would be done, and changes nothing by that', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    await updates(host, v2);
    const pid = await host.supervisor.pid('app');

    const unknown = await back(host, '--to', '9.9');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain(
      `"9.9" means none of the versions that are kept of app:\n  md5:${md5(v1).slice(0, 8)}`,
    );
    const dry = await host.run(['rollback', 'app', '--dry-run'], AWAY);
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('To do it: bin-proxy rollback app\n') });
    expect(await host.run(['rollback', 'ap'], AWAY)).toMatchObject({ code: 2 });
    await host.run(['hold', 'app', '--reason', 'the audit']);
    expect(await back(host)).toMatchObject({ code: 20, stderr: expect.stringMatching(/app is held by .*: the audit/) });

    // Damage of a kept file is found before anything is touched.
    const [backup = ''] = host.backups('app');
    const bytes = readFileSync(join(host.binDir, '.bin-proxy', 'backups', 'app', backup));
    writeFileSync(join(host.binDir, '.bin-proxy', 'backups', 'app', backup), bytes.subarray(1));
    const damaged = await back(host, '--force');
    expect(damaged.code).toBe(20);
    expect(outcomeOf(damaged, 'app')).toMatchObject({ outcome: 'failed', reason: 'digest-mismatch' });
    await runs(host, v2);
    expect(await host.supervisor.pid('app')).toBe(pid);
  });

  hostTest('waits for a run that is under way, and finds that the world has changed', async ({ host }) => {
    await host.runs('app', v0);
    host.manages('app');
    await updates(host, v1);
    host.server.publish('app', v2);
    const asked = new Promise<ServerResponse>((resolve) => {
      host.server.answer('/releases/latest/app/download', (_, response) => resolve(response));
    });
    const tick = new RunningTick(host);
    const download = await asked;

    const other = spawn(host.node, [PROGRAM, 'rollback', 'app'], { env: host.environment(AWAY), stdio: 'pipe' });
    const ended = once(other, 'close');
    let said = '';
    other.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // Under way for as long as the other one does not wait for it.
      if (said.includes('waiting for up to 60 s') && !download.headersSent)
        download.writeHead(200, { 'content-length': v2.length }).end(v2);
    });

    expect(outcomeOf(await tick.end(), 'app')).toMatchObject({ outcome: 'updated' });
    expect(await ended).toEqual([20, null]);
    expect(said).toContain('another version was installed meanwhile');
    await runs(host, v2);
    expect((await host.run(['retry', 'app'])).stdout).toContain('nothing was held against');
  });
});

describe('what was there before the first update', () => {
  hostTest('is kept for good, whatever "keep" says, and once only', async ({ host }) => {
    host.install('app', v0);
    host.manages({ name: 'app', service: false, keep: 1 });
    await updates(host, v1, v2, v3);
    const factory = join(host.binDir, '.bin-proxy', 'factory', 'app');
    expect(readdirSync(factory)).toEqual([`app.md5-${md5(v0)}`]);
    expect(host.backups('app')).toEqual([`app.md5-${md5(v2)}`]);
    expect(outcomeOf(await back(host, '--to', 'factory'), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app').equals(v0)).toBe(true);
    expect(outcomeOf(await host.tick(['--force'], QUICK), 'app')).toMatchObject({
      outcome: 'updated',
      to: `md5:${md5(v3)}`,
    });
  });

  hostTest('is nothing where the first update was an installation', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    await updates(host, v1, v2);
    expect(existsSync(join(host.binDir, '.bin-proxy', 'factory'))).toBe(false);
  });
});
