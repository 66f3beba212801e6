import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Host } from '../support/host.ts';
import { md5, program } from '../support/program.ts';

describe('a tick on a real supervisord', () => {
  let host: Host;
  beforeEach(async () => {
    host = await Host.create();
  });
  afterEach(async () => {
    await host.remove();
  });

  it('upgrades: the process runs the new inode (invariant 3)', async () => {
    const [v1, v2] = [program('1'), program('2')];
    host.install('app', v1);
    host.manages('app');
    host.supervisor.program({ name: 'app', command: host.path('app') });
    await host.supervisor.start();
    await host.supervisor.untilState('app', 'RUNNING');
    host.server.publish('app', v2);
    const ran = await host.tick();
    console.log(ran.stdout, ran.stderr, host.log());
    expect(ran.code).toBe(0);
    expect(host.installed('app')).toEqual(v2);
    expect(host.manifestEntry('app')).toMatchObject({ currentMd5: md5(v2) });
  });
});
