import { execFileSync } from 'node:child_process';
import { describe, expect } from 'vitest';
import type { Host } from '../support/host.ts';
import { hostTest } from '../support/host-test.ts';
import { md5, program } from '../support/program.ts';

const [v1, v2] = [program('1'), program('2')];
const short = (bytes: Buffer) => md5(bytes).slice(0, 8);

/** Every file of the host with its times, size and digest: what a dry run must leave as it is. */
function everything(host: Host): string {
  const script =
    'find . -path ./supervisord.log -prune -o -printf "%p %y %m %u %s %T@ %C@ %i\\n" | sort; find . -type f -exec md5sum {} + | sort';
  return execFileSync('sh', ['-c', script], { cwd: host.directory, encoding: 'utf8' });
}

describe.concurrent('a dry run', () => {
  hostTest('says for every binary what would happen and why, and leaves every byte and time', async ({ host }) => {
    host.install('same', v1);
    host.install('stale', v1);
    host.install('kept', v1);
    host.supervisor.program({ name: 'stale', command: host.path('stale') });
    await host.supervisor.start();
    await host.supervisor.untilState('stale', 'RUNNING');
    host.manages(
      { name: 'same', service: false },
      'stale',
      { name: 'fresh', service: false },
      { name: 'kept', hold: 'audit' },
      { name: 'gone', service: false },
      { name: 'lost' },
    );
    host.server.publish('same', v1);
    host.server.publish('stale', v2);
    host.server.publish('fresh', v2);
    host.server.publish('lost', v2);
    host.environment();
    const before = everything(host);

    const plan = await host.run(['plan']);
    const dryRun = await host.run(['run', '--dry-run']);

    expect(everything(host)).toBe(before);
    expect(plan.stdout).toBe(dryRun.stdout);
    expect(plan.stdout).toBe(
      [
        `source  ${host.server.api}    manifest  ${host.manifest}`,
        '',
        '   NAME   INSTALLED  WANTED    RESTART  WHY',
        `=  same   ${short(v1)}   ${short(v1)}  -        up to date`,
        `~  stale  ${short(v1)}   ${short(v2)}  stale    new release`,
        `+  fresh  -          ${short(v2)}  none     not installed yet`,
        `!  kept   ${short(v1)}   -         -        audit`,
        `x  gone   -          -         -        HTTP 404 from ${host.server.api}/releases/latest/gone/md5`,
        '     Publish the release, or correct "name" or "version" in the manifest.',
        `+  lost   -          ${short(v2)}  -        not installed yet, but supervisor knows no program "lost"`,
        '',
        'Plan: 2 to install, 1 to replace, 1 left alone, 1 cannot be judged, 1 up to date.',
        'Nothing was changed. To do it: bin-proxy run',
        '',
      ].join('\n'),
    );
    expect(plan.code).toBe(20);
  });

  hostTest('as JSON is one document', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', v1);
    const ran = await host.run(['plan', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      schema: 'bin-proxy/plan/1',
      binaries: [{ name: 'app', action: 'install', reason: 'not-installed', to: `md5:${md5(v1)}`, services: [] }],
      totals: { install: 1, replace: 0 },
    });
    expect(ran.code).toBe(0);
  });

  hostTest('of one binary asks for that one only', async ({ host }) => {
    host.manages({ name: 'app', service: false }, { name: 'other', service: false });
    host.server.publish('app', v1);
    await host.run(['plan', 'app']);
    expect(host.server.requests).toEqual(['GET /api/v1/index.json', 'GET /api/v1/releases/latest/app/md5']);
  });
});
