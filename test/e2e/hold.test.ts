import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { RunningTick } from '../crash/during.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2, bad] = [program('1'), program('2'), program('bad', { life: 300 })];
const AS_ALICE = { SUDO_USER: 'alice' };

describe.concurrent("an operator's hold", () => {
  hostTest(
    'is kept across edits of the manifest, shown everywhere, and ends by itself or by "unhold"',
    async ({ host }) => {
      host.install('app', v1);
      host.manages({ name: 'app', service: false });
      host.server.publish('app', v2);

      const held = await host.run(['hold', 'app', '--until', '2h', '--reason', 'the audit'], AS_ALICE);
      expect(held).toMatchObject({ code: 0, stderr: '' });
      const by = process.geteuid?.() === 0 ? 'alice' : '\\S+';
      expect(held.stdout).toMatch(
        new RegExp(`^app  held until \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\dZ by ${by}: the audit\n$`),
      );

      host.manages({ name: 'app', service: false, keep: 5 });
      expect(outcomeOf(await host.tick(['--force']), 'app')).toMatchObject({ outcome: 'held', reason: 'held' });
      expect(host.installed('app')).toEqual(v1);
      const plan = await host.run(['plan']);
      expect(plan).toMatchObject({ code: 0, stdout: expect.stringMatching(/! {2}app .* held until .*: the audit\n/) });
      // Whoever holds a binary wants no mail about it.
      const away = { BIN_MANAGER_API: 'http://127.0.0.1:1/api/v1' };
      expect(await host.run(['run'], away)).toMatchObject({ code: 0, stdout: '', stderr: '' });

      const free = await host.run(['unhold', 'app']);
      expect(free.stdout).toMatch(/^app {2}no longer held \(was held until .*: the audit\)\n$/);
      expect((await host.run(['unhold', 'app'])).stdout).toBe('app  was not held\n');
      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
    },
  );

  hostTest('is refused for names there are none of, for times that are none, and without a name', async ({ host }) => {
    host.manages({ name: 'manager', service: false }, { name: 'agent', service: false });
    const ran = await host.run(['hold', 'maneger']);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('no binary "maneger" in the manifest\n');
    expect(ran.stderr).toContain('names manager, agent. Did you mean manager?');
    expect(host.record('manager')).toBeUndefined();
    for (const args of [
      ['hold'],
      ['hold', 'agent', '--until', 'soon'],
      ['hold', 'agent', '--until', '2001-01-01'],
      ['hold', 'agent', '-n'],
      ['run', '--until', '2h'],
    ]) {
      expect(await host.run(args), args.join(' ')).toMatchObject({ code: 2, stdout: '' });
    }
  });

  hostTest(
    'waits for a run that is under way, says so, and lets a release on probation be watched',
    async ({ host }) => {
      await host.runs('app', v1);
      host.manages('app');
      const flag = join(host.directory, 'database-is-up');
      writeFileSync(flag, '');
      const needy = `#!/bin/sh\ntrap 'exit 0' TERM\nwhile [ -e ${flag} ]; do sleep 0.2; done\nexit 7\n`;
      host.server.publish('app', Buffer.from(needy));
      const tick = new RunningTick(host);
      await tick.until('restarting app');

      const held = await host.run(['hold', 'app', '--json']);

      expect(outcomeOf(await tick.end(), 'app')).toMatchObject({ outcome: 'updated' });
      expect(held.stderr).toMatch(/^the lock .* is held by .*; waiting for up to 60 s\n$/);
      expect(JSON.parse(held.stdout)).toMatchObject({
        schema: 'bin-proxy/hold/1',
        binaries: [{ name: 'app', hold: {} }],
      });
      rmSync(flag);
      await host.supervisor.untilState('app', 'FATAL');
      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'rolled-back' });
      expect(host.installed('app')).toEqual(v1);
      expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'held', reason: 'held' });
    },
  );
});

describe('a retry', () => {
  hostTest('says what it lifts, and has the next run try the release at once', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app');
    host.server.publish('app', bad);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'rolled-back' });
    const digest = md5(bad).slice(0, 8);

    const ran = await host.run(['retry', 'app']);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(
      new RegExp(`^app  ${digest} was quarantined until .*\napp  lifted: the next run tries it\n$`),
    );
    expect((await host.run(['retry', 'app'])).stdout).toBe(`app  nothing was held against ${digest}\n`);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'rolled-back' });
    expect(host.record('app')).toMatchObject({ quarantine: [{ count: 2 }] });
  });
});
