import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Host } from '../support/host.ts';
import { outcomeOf, rootHostTest } from '../support/host-test.ts';
import { program } from '../support/program.ts';

const NOBODY = 65_534;
const v1 = program('1');

async function prepared(host: Host): Promise<void> {
  host.manages({ name: 'app', service: false });
  host.server.publish('app', v1);
  expect((await host.run(['plan'])).code).toBe(0);
}

describe.concurrent('run by root', () => {
  const cases: readonly { readonly title: string; readonly loosen: (host: Host) => void; readonly says: string }[] = [
    {
      title: 'a manifest that everybody can write',
      loosen: (host) => chmodSync(host.manifest, 0o666),
      says: 'can be written by everybody',
    },
    {
      title: 'a manifest of somebody else',
      loosen: (host) => chownSync(host.manifest, NOBODY, NOBODY),
      says: `belongs to user ${NOBODY}, expected root`,
    },
    {
      title: 'a manifest in a directory that everybody can write',
      loosen: (host) => chmodSync(host.directory, 0o777),
      says: 'can be written by everybody',
    },
    {
      title: 'a manifest behind a link through such a directory',
      loosen: (host) => {
        const loose = join(host.directory, 'loose');
        mkdirSync(loose);
        chmodSync(loose, 0o777);
        renameSync(host.manifest, join(loose, 'real.json'));
        symlinkSync(join(loose, 'real.json'), host.manifest);
      },
      says: 'can be written by everybody',
    },
    {
      title: 'a state directory of somebody else',
      loosen: (host) => {
        mkdirSync(host.stateDir);
        chownSync(host.stateDir, NOBODY, NOBODY);
      },
      says: `belongs to user ${NOBODY}, expected root`,
    },
  ];
  for (const { title, loosen, says } of cases) {
    rootHostTest(`${title} is refused with exit code 77, and nothing is asked`, async ({ host }) => {
      await prepared(host);
      loosen(host);
      const before = host.server.requests.length;
      const ran = await host.run([]);
      expect(ran).toMatchObject({ code: 77, stdout: '' });
      expect(ran.stderr).toContain(says);
      expect(host.server.requests.length).toBe(before);
      expect(existsSync(host.path('app'))).toBe(false);
    });
  }

  rootHostTest('a target directory that everybody can write is not installed into', async ({ host }) => {
    await prepared(host);
    chmodSync(host.binDir, 0o777);
    const ran = await host.tick();
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'no-permission' });
    expect(existsSync(host.path('app'))).toBe(false);
    expect(existsSync(join(host.binDir, '.bin-proxy'))).toBe(false);
  });

  rootHostTest('a sticky directory is no danger to what root owns in it', async ({ host }) => {
    await prepared(host);
    chmodSync(host.directory, 0o1777);
    expect(outcomeOf(await host.tick(), 'app')).toMatchObject({ outcome: 'updated' });
  });
});
