import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { RanTick } from '../support/host.ts';
import { hostTest, outcomeOf, rootHostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2, v3] = [program('1'), program('2'), program('3')];

describe.concurrent('a plan in a file', () => {
  hostTest('is carried out as a run of what it changes', async ({ host }) => {
    await host.runs('app', v1);
    host.manages('app', { name: 'tool', service: false });
    host.server.publish('app', v2);
    host.install('tool', v1);
    host.server.publish('tool', v1);
    const file = join(host.directory, 'tonight.plan');

    const plan = await host.run(['plan', '--out', file]);
    expect(plan.stdout).toContain(`Nothing was changed. To do it: bin-proxy apply ${file}\n`);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      schema: 'bin-proxy/saved-plan/1',
      binaries: [
        { name: 'app', decision: 'change', installed: `md5:${md5(v1)}`, offered: `md5:${md5(v2)}` },
        { name: 'tool', decision: 'up-to-date' },
      ],
    });

    // What the plan leaves alone is not its business.
    host.server.publish('tool', v2);
    const ran = await host.run(['apply', file, '--json'], { BIN_PROXY_STABLE_SECONDS: '1' });
    const applied: RanTick = { ...ran, ...(JSON.parse(ran.stdout) as Pick<RanTick, 'binaries'>) };
    expect(applied.binaries.map(({ name }) => name)).toEqual(['app']);
    expect(outcomeOf(applied, 'app')).toMatchObject({ outcome: 'updated', reason: 'new-release' });
    expect(await host.runsInstalled('app')).toBe(true);
    expect(host.installed('tool')).toEqual(v1);

    const again = await host.run(['apply', file]);
    expect(again.code).toBe(101);
    expect(again.stderr).toContain(`  app: installed: expected md5:${md5(v1)}, found md5:${md5(v2)}\n`);
  });

  hostTest('tells what the end of an earlier update has changed, where it fits no more after it', async ({ host }) => {
    await host.runs('app', v1, ['autorestart=false']);
    host.manages('app');
    host.server.publish('app', v2);
    await host.tick([], { BIN_PROXY_STABLE_SECONDS: '1' });
    host.server.publish('app', v3);
    const file = join(host.directory, 'tonight.plan');
    await host.run(['plan', '--out', file]);
    process.kill(await host.supervisor.pid('app'), 'SIGKILL');
    await host.supervisor.untilState('app', 'EXITED');

    const ran = await host.run(['apply', file], { BIN_PROXY_STABLE_SECONDS: '1' });
    expect(ran.code).toBe(101);
    expect(ran.stdout).toMatch(/^app {2}ROLLED BACK {2}/);
    expect(ran.stderr.split('\n')).toEqual([
      expect.stringMatching(/^bin-proxy: the plan of \S+ no longer fits, and is not carried out:$/),
      `bin-proxy:   app: installed: expected md5:${md5(v2)}, found md5:${md5(v1)}`,
      'bin-proxy: What was done before: app rolled back.',
      `bin-proxy: Look at it anew: bin-proxy plan --out ${file}`,
      '',
    ]);
    expect(host.installed('app')).toEqual(v1);
  });

  rootHostTest('is refused where the world has changed, and says what', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    const file = join(host.directory, 'tonight.plan');
    await host.run(['plan', '--out', file]);
    host.server.publish('app', v3);
    const ran = await host.run(['apply', file]);
    expect(ran.code).toBe(101);
    expect(ran.stderr).toContain('no longer fits, and is not carried out:\n');
    expect(ran.stderr).toContain(`  app: offered: expected md5:${md5(v1)}, found md5:${md5(v3)}\n`);
    expect(host.leftovers()).toEqual([]);

    writeFileSync(file, '{"schema": "something/1"}');
    expect(await host.run(['apply', file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected a plan'),
    });
    expect((await host.run(['apply', join(host.directory, 'nosuch')])).code).toBe(2);
    expect((await host.run(['run', '--out', file])).code).toBe(2);
  });
});
