import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { has } from '../support/components.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { program } from '../support/program.ts';
import { shipped } from './shipped.ts';

describe.skipIf(!has('supervisord', 'supervisorctl', 'cc', 'flock'))('the example of a supervisor program', () => {
  hostTest(
    'is taken by supervisord before the program is there, and the first run installs and starts it',
    async ({ host }) => {
      const conf = join(host.directory, 'conf.d');
      mkdirSync(conf);
      const example = shipped('config/supervisor-program.conf')
        .replaceAll('/usr/local/bin/', `${host.binDir}/`)
        .replaceAll('/var/log/supervisor/', `${host.directory}/`);
      host.supervisor.program({
        name: 'other',
        command: 'sleep infinity',
        options: ['', '[include]', `files=${conf}/*.conf`],
      });
      await host.supervisor.start();
      writeFileSync(join(conf, 'manager.conf'), example);
      await host.supervisor.ctl('reread');
      expect(await host.supervisor.ctl('update')).toContain('manager: added process group');
      await host.supervisor.untilState('manager', 'FATAL');
      host.manages('manager');
      host.server.publish('manager', program('1'));

      const ran = await host.tick();

      expect(outcomeOf(ran, 'manager')).toMatchObject({ outcome: 'updated', service: 'restarted' });
      expect(await host.supervisor.state('manager')).toBe('RUNNING');
      expect(await host.runsInstalled('manager')).toBe(true);
      expect(readFileSync(join(host.directory, 'manager.out.log'), 'utf8')).toContain('started VERSION=1');
    },
  );
});
