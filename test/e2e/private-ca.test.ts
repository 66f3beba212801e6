import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf, rootHostTest } from '../support/host-test.ts';
import { startTlsNginx } from '../support/nginx.ts';
import { md5, program } from '../support/program.ts';

const app = program('tls');

describe.skipIf(!has('nginx', 'openssl'))('releases of an nginx with a certificate of our own authority', () => {
  let authority: Authority;
  let nginx: Daemon;

  beforeAll(async () => {
    authority = new Authority();
    nginx = await startTlsNginx(authority.issue());
    const folder = 'www/api/v1/releases/latest/app';
    nginx.write(`${folder}/md5`, JSON.stringify({ code: 0, data: { md5: md5(app) } }));
    nginx.write(`${folder}/download`, app);
  });

  afterAll(async () => {
    await nginx.stop();
    authority.remove();
  });

  const api = () => ({ BIN_MANAGER_API: `https://127.0.0.1:${nginx.port}/api/v1` });

  /** The authority's certificate on the host, named by its config file. */
  function trusts(host: Host, text = authority.cert): string {
    const file = join(host.directory, 'ca.pem');
    writeFileSync(file, text, { mode: 0o644 });
    writeFileSync(join(host.directory, 'config'), `export BIN_PROXY_CA_FILE="${file}"\n`);
    return file;
  }

  hostTest('are installed where the config file names its certificate', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    trusts(host);
    expect(outcomeOf(await host.tick([], api()), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app')).toEqual(app);
    expect(outcomeOf(await host.tick([], api()), 'app')).toMatchObject({ outcome: 'up-to-date' });
  });

  hostTest('are not asked for without it, and the plan says what to set', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    const plan = await host.run(['plan'], api());
    expect(plan.code).toBe(69);
    expect(plan.stdout).toMatch(/no answer from https:\S+: .*(unable to verify|self-signed|local issuer)/);
    expect(plan.stdout).toContain('name a file with its certificate in BIN_PROXY_CA_FILE.');
    expect(outcomeOf(await host.tick([], api()), 'app')).toMatchObject({
      outcome: 'failed',
      reason: 'source-unreachable',
      hint: expect.stringContaining('BIN_PROXY_CA_FILE'),
    });
    expect(existsSync(host.path('app'))).toBe(false);
  });

  hostTest('are not asked for with a file that holds no certificate: the settings are wrong', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    const file = trusts(host, 'hello');
    const ran = await host.run([], api());
    expect(ran).toMatchObject({ code: 78, stdout: '' });
    expect(ran.stderr).toContain(`expected one or more PEM certificates in ${file}, found none`);
    expect((await host.run(['--ca-file', '/nowhere/ca.pem'], api())).stderr).toContain(
      'there is no file /nowhere/ca.pem with certificates',
    );
    expect(existsSync(host.path('app'))).toBe(false);
  });

  rootHostTest(
    'are not asked for with a file that others can write: whoever does decides whom root believes',
    async ({ host }) => {
      host.manages({ name: 'app', service: false });
      const file = trusts(host);
      const before = nginx.log();
      chmodSync(file, 0o666);
      const ran = await host.run([], api());
      expect(ran).toMatchObject({ code: 77, stdout: '' });
      expect(ran.stderr).toContain(`${file} must not be trusted: ${file} can be written by everybody`);
      const copy = join(host.directory, 'copy.pem');
      copyFileSync(file, copy);
      chmodSync(copy, 0o644);
      expect((await host.run(['plan', '--ca-file', copy], api())).code).toBe(0);
      expect(before).not.toBe(nginx.log());
    },
  );
});
