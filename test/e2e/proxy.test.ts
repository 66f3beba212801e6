import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { good, HostileServer, head } from '../hostile/hostile-server.ts';
import { Authority } from '../support/authority.ts';
import { has } from '../support/components.ts';
import { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { hostTest, outcomeOf } from '../support/host-test.ts';
import { startTlsNginx } from '../support/nginx.ts';
import { md5, program } from '../support/program.ts';

const app = program('through');
const ACCOUNT = ['ana', 'hunter2'] as const;

/** An address of this machine that is no loopback address by its looks: those are never asked through a proxy. */
function api(port: number | string, scheme = 'http'): { readonly BIN_MANAGER_API: string } {
  return { BIN_MANAGER_API: `${scheme}://0.0.0.0:${port}/api/v1` };
}

function portOf(host: Host): string {
  return new URL(host.server.api).port;
}

function configures(host: Host, ...lines: readonly string[]): void {
  writeFileSync(join(host.directory, 'config'), lines.map((line) => `export ${line}\n`).join(''));
}

describe.skipIf(!has('tinyproxy', 'openssl', 'nginx'))('releases behind a tinyproxy', () => {
  let proxy: Daemon;
  let nginx: Daemon;
  let authority: Authority;
  const url = (account: string) => `http://${account}127.0.0.1:${proxy.port}`;

  beforeAll(async () => {
    authority = new Authority();
    proxy = await Daemon.tinyproxy(ACCOUNT);
    nginx = await startTlsNginx(authority.issue({ names: 'IP:0.0.0.0' }));
    const folder = 'www/api/v1/releases/latest/app';
    nginx.write(`${folder}/md5`, JSON.stringify({ code: 0, data: { md5: md5(app) } }));
    nginx.write(`${folder}/download`, app);
  });

  afterAll(async () => {
    await Promise.all([proxy.stop(), nginx.stop()]);
    authority.remove();
  });

  hostTest('are installed over http, by the config file alone', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', app);
    configures(host, `http_proxy="${url('ana:hunter2@')}"`);
    expect(outcomeOf(await host.tick([], api(portOf(host))), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app')).toEqual(app);
    expect(host.server.headers.every(({ via }) => via?.includes('tinyproxy'))).toBe(true);
    expect(JSON.stringify(host.server.headers)).not.toMatch(/proxy-authorization/i);
  });

  hostTest('are installed over https, through a tunnel, by the environment', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    const environment = { ...api(nginx.port, 'https'), HTTPS_PROXY: url('ana:hunter2@') };
    const ran = await host.tick(['--ca-file', authority.certFile], environment);
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.installed('app')).toEqual(app);
    expect(proxy.log()).toMatch(new RegExp(`CONNECT 0\\.0\\.0\\.0:${nginx.port}`));
    expect(proxy.log()).not.toContain(`https://0.0.0.0:${nginx.port}`);
  });

  hostTest('are asked for directly where no_proxy says so', async ({ host }) => {
    host.manages({ name: 'app', service: false });
    host.server.publish('app', app);
    configures(host, 'http_proxy=http://127.0.0.1:1', 'no_proxy="0.0.0.0/32"');
    expect(outcomeOf(await host.tick([], api(portOf(host))), 'app')).toMatchObject({ outcome: 'updated' });
    expect(host.server.headers.some(({ via }) => via !== undefined)).toBe(false);
  });

  hostTest.for([
    ['a wrong password', 'http', 'ana:wrong-secret@', 401],
    ['a wrong password', 'https', 'ana:wrong-secret@', 401],
    ['no password', 'http', '', 407],
    ['no password', 'https', '', 407],
  ] as const)(
    'are not asked for with %s, and nothing of it is told (invariant 14): %s',
    async ([_, scheme, account, status], { host }) => {
      host.manages({ name: 'app', service: false });
      configures(host, `all_proxy="${url(account)}"`);
      const ran = await host.run(['plan', '-vv'], api(portOf(host), scheme));
      expect(ran.code).toBe(69);
      expect(ran.stdout).toContain(`the proxy ${url('')} wants a valid user and password (HTTP ${status})`);
      expect(ran.stdout).toContain(`Correct them in ${scheme}_proxy`);
      expect(ran.stdout + ran.stderr).not.toContain('wrong-secret');
    },
  );
});

describe('a captive portal', () => {
  const page = good('<html>Welcome! Please log in.</html>', { 'content-type': 'text/html' });
  const portals: readonly (readonly [string, Buffer | string, string])[] = [
    ['a login page', page, 'bad-answer'],
    ['a redirect to its login page', head('302 Found', { location: '/login', 'content-length': 0 }), 'bad-answer'],
    ['status 511', head('511 Network Authentication Required', { 'content-length': 0 }), 'source-unreachable'],
  ];

  hostTest.for(portals)(
    'is never taken for a release: %s',
    { timeout: 60_000 },
    async ([_, bytes, reason], { host }) => {
      const portal = await new HostileServer((socket, { path }) =>
        socket.end(path.includes('/login') ? page : bytes),
      ).listen();
      host.install('app', app);
      host.manages({ name: 'app', service: false });
      const proxied = { ...api(portOf(host)), http_proxy: portal.url('') };
      expect(outcomeOf(await host.tick([], proxied), 'app')).toMatchObject({ outcome: 'failed', reason });
      expect(host.installed('app')).toEqual(app);
      await portal.stop();
    },
  );

  hostTest('that comes between the digest and the download is never taken for a release', async ({ host }) => {
    host.server.publish('app', app);
    host.manages({ name: 'app', service: false });
    const digest = good(JSON.stringify({ code: 0, data: { md5: md5(app) } }));
    const portal = await new HostileServer((socket, { path }) => {
      if (path.endsWith('/md5')) socket.end(digest);
      else socket.end(path.includes('/login') ? page : head('302 Found', { location: '/login', 'content-length': 0 }));
    }).listen();
    const ran = await host.tick([], { ...api(portOf(host)), http_proxy: portal.url('') });
    expect(outcomeOf(ran, 'app')).toMatchObject({ outcome: 'failed', reason: 'digest-mismatch' });
    expect(existsSync(host.path('app'))).toBe(false);
    expect(host.record('app')).not.toHaveProperty('quarantine.0');
    await portal.stop();
  });
});
